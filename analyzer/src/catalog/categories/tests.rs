//! The rule file as a whole, then single decisions:
//!
//! ```text
//! Optimizer.step#Adam.step ├───────────────────────┤      scope: Optimizer takes all inside
//!   aten::mul_                ├─────┤                     op: Activation/Elementwise, innermost first
//!     cudaLaunchKernel          ├─┤                       host self time: Framework where nothing above says
//! ```

use super::*;
use OpCategory as C;
use std::collections::BTreeSet;

fn file() -> RuleFile {
    toml::from_str(EMBEDDED).unwrap()
}

/// (table, category, pattern) in the order in which they are asked, for each side.
fn patterns<'a>(tables: &[(&'static str, &'a [RuleText])]) -> Vec<(&'static str, usize, &'a str)> {
    let mut all = Vec::new();
    let mut rule_number = 0;
    for (table, rules) in tables {
        for rule in *rules {
            rule_number += 1;
            all.extend(rule.names.iter().map(|name| (*table, rule_number, name.as_str())));
        }
    }
    all
}

#[test]
fn the_embedded_rules_parse() {
    assert!(Rules::parse(EMBEDDED).is_ok());
    assert!(!Rules::embedded().op.globs.is_empty());
}

#[test]
fn every_pattern_is_clean() {
    let file = file();
    for rules in [&file.kernel_alone, &file.scope, &file.op, &file.helper, &file.kernel_last] {
        for rule in rules {
            assert!(C::from_name(&rule.category).is_some(), "{}", rule.category);
            assert!(!rule.names.is_empty(), "{}: no pattern", rule.category);
            let mut seen = BTreeSet::new();
            for name in &rule.names {
                assert!(!name.trim_matches('*').is_empty(), "{}: a pattern that matches everything", rule.category);
                assert_eq!(*name, name.trim().to_ascii_lowercase(), "patterns are written in lower case");
                assert!(seen.insert(name), "{}: {name} twice", rule.category);
            }
        }
    }
}

/// A pattern is dead where one that is asked before it, or stands beside it, covers all that it can match. An earlier
/// pattern that matches the later one's text, stars read as letters, does so: only stars can swallow stars.
#[test]
fn every_rule_can_win() {
    let file = file();
    let host = patterns(&[("scope", &file.scope), ("op", &file.op), ("helper", &file.helper)]);
    let device = patterns(&[("kernel_alone", &file.kernel_alone), ("kernel_last", &file.kernel_last)]);
    for side in [host, device] {
        for (index, (table, rule, pattern)) in side.iter().enumerate() {
            for (other_index, (_, earlier_rule, earlier)) in side.iter().enumerate() {
                let asked_before = earlier_rule < rule || (earlier_rule == rule && other_index != index);
                assert!(
                    !(asked_before && Glob::new(earlier).matches(pattern)),
                    "{table}: {pattern} never decides, {earlier} always comes first"
                );
            }
        }
    }
}

/// A host pattern that normalisation would change can never match.
#[test]
fn exact_host_patterns_are_in_normal_form() {
    let file = file();
    for rule in file.scope.iter().chain(&file.op).chain(&file.helper) {
        for name in rule.names.iter().filter(|name| !name.contains('*')) {
            assert_eq!(normal_form(name), *name);
        }
    }
}

#[test]
fn names_go_there_and_back() {
    for category in C::ALL {
        assert_eq!(C::from_name(category.name()), Some(*category));
    }
    assert_eq!(C::ALL.len(), 17);
    assert!(C::ALL.is_sorted());
    assert_eq!(C::from_name("gemm"), None);
}

#[test]
fn broken_rules_say_what_is_wrong() {
    let one = "kernel_alone = []\nscope = []\nop = [{ category = \"Gemm\", names = [\"mm\"] }]\nhelper = []\nkernel_last = []";
    let error = Rules::parse(one).unwrap_err();
    assert_eq!(error.to_string(), "category rules: op has no category \"Gemm\": use a name of METRICS 4");
    assert!(matches!(Rules::parse("scope = 1"), Err(RuleError::Shape(_))));
}

#[test]
fn the_first_rule_wins_whether_exact_or_not() {
    let rules = |first: &str, second: &str| {
        RuleTable::new(
            "op",
            &[
                RuleText { category: "GEMM".into(), names: vec![first.into()] },
                RuleText { category: "Pooling".into(), names: vec![second.into()] },
            ],
        )
        .unwrap()
        .category("mm")
    };
    assert_eq!(rules("mm", "m*"), Some(C::Gemm));
    assert_eq!(rules("m*", "mm"), Some(C::Gemm));
    assert_eq!(rules("x", "mm"), Some(C::Pooling));
    assert_eq!(rules("x", "y"), None);
}

/// The category of host time under `path`, ops unless marked: `@` annotation, `!` runtime call, `%` overhead.
fn host(path: &[&str]) -> OpCategory {
    decide(verdicts(path).iter(), None)
}

/// The category of a device event called `kernel`, launched under `path`.
fn device(path: &[&str], kernel: &str) -> OpCategory {
    decide(verdicts(path).iter(), Some(Rules::embedded().kernel(kernel)))
}

fn verdicts(path: &[&str]) -> Vec<(HostKind, HostVerdict)> {
    let verdict = |name: &&str| {
        let (kind, name) = match name.chars().next() {
            Some('@') => (HostKind::Annotation, &name[1..]),
            Some('!') => (HostKind::Runtime, &name[1..]),
            Some('%') => (HostKind::Overhead, &name[1..]),
            _ => (HostKind::Op, *name),
        };
        (kind, Rules::embedded().host(name, kind))
    };
    path.iter().map(verdict).collect()
}

const GEMM: &str = "ampere_sgemm_128x64_nn";
const POINTWISE: &str = "void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>, std::array<char*, 3ul> >(int)";

#[test]
fn kernels_that_decide_alone() {
    assert_eq!(device(&["aten::lstm"], "Memcpy HtoD (Pageable -> Device)"), C::MemoryCopy);
    assert_eq!(
        device(&["@Optimizer.step#Adam.step"], "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgs)"),
        C::Communication
    );
    assert_eq!(device(&["aten::cudnn_convolution"], "void cudnn::ops::nchwToNhwcKernel<float>(float*)"), C::Layout);
    assert_eq!(device(&[], "triton_poi_fused_all_gather_into_tensor_0"), C::Elementwise);
}

#[test]
fn a_scope_takes_everything_inside_it() {
    assert_eq!(device(&["@Optimizer.step#Adam.step", "aten::_foreach_add_"], POINTWISE), C::Optimizer);
    assert_eq!(device(&["aten::lstm", "aten::_cudnn_rnn"], GEMM), C::Rnn);
    assert_eq!(host(&["aten::scaled_dot_product_attention", "aten::bmm"]), C::Attention);
    assert_eq!(host(&["aten::_convolution", "aten::add_"]), C::Convolution);
    assert_eq!(
        host(&[
            "autograd::engine::evaluate_function: ConvolutionBackward0",
            "ConvolutionBackward0",
            "aten::convolution_backward",
            "aten::sum"
        ]),
        C::Convolution
    );
    assert_eq!(host(&["@enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__", "aten::stack"]), C::DataLoading);
    assert_eq!(host(&["@nccl:all_reduce"]), C::Communication);
    // Outermost first: the optimizer's own matrix products are the optimizer's.
    assert_eq!(host(&["@Optimizer.step#Shampoo.step", "aten::group_norm"]), C::Optimizer);
}

#[test]
fn an_annotation_is_no_op() {
    assert_eq!(host(&["@linear"]), C::Framework);
    assert_eq!(host(&["@forward_and_loss", "aten::mm"]), C::Gemm);
    assert_eq!(host(&["@forward_and_loss"]), C::Framework);
}

#[test]
fn ops_decide_innermost_first_and_helpers_last() {
    assert_eq!(host(&["aten::linear", "aten::addmm"]), C::Gemm);
    assert_eq!(host(&["aten::linear", "aten::t", "aten::as_strided"]), C::Gemm);
    assert_eq!(host(&["aten::conv2d", "aten::to", "aten::copy_"]), C::MemoryCopy);
    assert_eq!(host(&["aten::add_"]), C::Elementwise);
    assert_eq!(host(&["aten::view"]), C::Framework);
    assert_eq!(host(&["aten::zeros", "aten::zero_", "aten::fill_"]), C::MemoryCopy);
    assert_eq!(host(&["aten::zeros", "aten::empty"]), C::Framework);
    assert_eq!(host(&["aten::max_pool2d_with_indices_backward", "aten::zero_"]), C::Pooling);
    assert_eq!(host(&["aten::mse_loss"]), C::Loss);
    assert_eq!(host(&["aten::norm", "aten::linalg_vector_norm"]), C::Reduction);
}

#[test]
fn words_that_other_words_hold() {
    assert_eq!(host(&["fb::convex_sum"]), C::Reduction);
    assert_eq!(host(&["torchaudio::rnnt_loss"]), C::Loss);
    assert_eq!(host(&["vllm::rotary_embedding"]), C::Elementwise);
    assert_eq!(host(&["fbgemm::FloatToFP8RowwiseQuantized"]), C::Elementwise);
    assert_eq!(host(&["aten::normal_"]), C::Elementwise);
}

#[test]
fn without_an_op_the_kernel_speaks() {
    assert_eq!(device(&[], GEMM), C::Gemm);
    assert_eq!(device(&[], POINTWISE), C::Elementwise);
    assert_eq!(
        device(&["!cudaGraphLaunch"], "cudnn_generated_fort_native_sdpa_sm90_flash_bprop_wgmma_f16_knob_26"),
        C::Attention
    );
    assert_eq!(device(&["aten::empty"], GEMM), C::Gemm);
    assert_eq!(device(&["!cudaMemsetAsync"], "Memset (Device)"), C::MemoryCopy);
    assert_eq!(device(&["aten::max_pool2d_with_indices_backward"], "Memset (Device)"), C::Pooling);
    assert_eq!(device(&["triton_poi_fused_all_reduce_wait_3"], "triton_poi_fused_all_reduce_wait_3"), C::Elementwise);
    assert_eq!(device(&["!cudaLaunchKernel"], "spin_kernel(long)"), C::Other);
    assert_eq!(device(&["aten::t"], "spin_kernel(long)"), C::Framework);
}

#[test]
fn host_time_that_no_op_owns_is_the_frameworks() {
    for own in ["!cudaLaunchKernel", "%Activity Buffer Request", "@ProfilerStep#3", "MyFunctionBackward"] {
        assert_eq!(host(&[own]), C::Framework, "{own}");
    }
    assert_eq!(host(&["aten::mm", "!cudaLaunchKernel"]), C::Gemm);
    assert_eq!(host(&["@ProfilerStep#3", "mylib::mystery"]), C::Other);
    assert_eq!(host(&[]), C::Other);
    assert_eq!(host(&["aten::fft_rfft"]), C::Other);
}
