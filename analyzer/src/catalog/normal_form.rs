//! One word for an op, its in-place form and its gradient: what the host rules of `categories.toml` are matched against.
//! The numbered steps are those of that file's header.

use std::borrow::Cow;

/// How the autograd engine labels its call of a node.
const EVALUATE: &str = "autograd::engine::evaluate_function: ";
/// How the name of a node ends, before its number.
const BACKWARD: &str = "Backward";
/// How the name of an operator that computes a gradient ends.
const GRADIENT_SUFFIXES: [&str; 4] = ["_backward", "_backward_data", "_backward_input", "_backward_weights"];

/// Whether `name` is a node of the autograd graph or the engine's call of one.
#[must_use]
pub fn is_autograd_node(name: &str) -> bool {
    name.starts_with(EVALUATE) || name.starts_with("torch::autograd::") || node_stem(name).is_some()
}

/// The normal form of a host event's name.
#[must_use]
pub fn normal_form(name: &str) -> String {
    let name = name.strip_prefix(EVALUATE).unwrap_or(name);
    let (word, may_be_gradient): (Cow<'_, str>, bool) = match (node_stem(name), name.strip_prefix("aten::")) {
        (Some(stem), _) => (snake_case(stem).into(), true),
        (None, Some(op)) => (op.split('.').next().unwrap_or(op).into(), true),
        (None, None) => (name.into(), false),
    };
    let word = if word.contains("::") { &word } else { word.trim_matches('_') };
    let word = if may_be_gradient { without_gradient_suffix(word) } else { word };
    word.to_ascii_lowercase()
}

/// `X` of `XBackward`, `XBackward0`, `XBackward17`; nodes with a namespace carry C++ classes and stay as they are.
fn node_stem(name: &str) -> Option<&str> {
    let stem = name.trim_end_matches(|digit: char| digit.is_ascii_digit()).strip_suffix(BACKWARD)?;
    (!stem.is_empty() && !stem.contains("::")).then_some(stem)
}

/// `MaxPool2DWithIndices` as `max_pool2d_with_indices`.
fn snake_case(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 8);
    let mut before = None;
    let mut letters = camel.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins_word = match before {
            None | Some('_') => false,
            Some(before) => before.is_lowercase() || letters.peek().is_some_and(|after| after.is_lowercase()),
        };
        if letter.is_uppercase() && begins_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
        before = Some(letter);
    }
    snake
}

fn without_gradient_suffix(word: &str) -> &str {
    GRADIENT_SUFFIXES
        .iter()
        .find_map(|suffix| word.strip_suffix(suffix))
        .filter(|stem| !stem.is_empty())
        .unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_op_its_in_place_form_and_its_gradient_are_one_word() {
        for (name, word) in [
            ("aten::add_", "add"),
            ("aten::add.Tensor", "add"),
            ("AddBackward0", "add"),
            ("autograd::engine::evaluate_function: AddBackward0", "add"),
            ("aten::_softmax", "softmax"),
            ("aten::_log_softmax_backward_data", "log_softmax"),
            ("aten::_convolution", "convolution"),
            ("aten::convolution_backward", "convolution"),
            ("ConvolutionBackward0", "convolution"),
            ("aten::mkldnn_convolution_backward_weights", "mkldnn_convolution"),
            ("MaxPool2DWithIndicesBackward0", "max_pool2d_with_indices"),
            ("aten::max_pool2d_with_indices_backward", "max_pool2d_with_indices"),
            ("ScaledDotProductCudnnAttentionBackward0", "scaled_dot_product_cudnn_attention"),
            ("NllLoss2DBackward0", "nll_loss2d"),
            ("UnsafeViewBackward17", "unsafe_view"),
            ("TBackward0", "t"),
            ("SigmoidBackwardBackward0", "sigmoid"),
            ("detach_", "detach"),
        ] {
            assert_eq!(normal_form(name), word, "{name}");
        }
    }

    #[test]
    fn other_namespaces_and_annotations_keep_their_name() {
        for (name, word) in [
            ("c10d::allreduce_", "c10d::allreduce_"),
            ("vllm::rocm_unquantized_gemm", "vllm::rocm_unquantized_gemm"),
            ("fbgemm::FloatToFP8RowwiseQuantized", "fbgemm::floattofp8rowwisequantized"),
            ("Optimizer.step#Adam.step", "optimizer.step#adam.step"),
            ("All2All_Pooled_ReqBackward", "all2_all_pooled_req"),
            ("autograd::engine::evaluate_function: torch::autograd::AccumulateGrad", "torch::autograd::accumulategrad"),
            ("Backward", "backward"),
            ("aten::_backward", "backward"),
            ("aten::", ""),
            ("", ""),
        ] {
            assert_eq!(normal_form(name), word, "{name}");
        }
    }

    #[test]
    fn autograd_nodes_are_recognised() {
        for name in [
            "AddBackward0",
            "CompiledFunctionBackward",
            "torch::autograd::AccumulateGrad",
            "autograd::engine::evaluate_function: torch::jit::(anonymous namespace)::DifferentiableGraphBackward",
        ] {
            assert!(is_autograd_node(name), "{name}");
        }
        for name in ["aten::add", "aten::convolution_backward", "backward", "Backward", "ns::FooBackward0", ""] {
            assert!(!is_autograd_node(name), "{name}");
        }
    }
}
