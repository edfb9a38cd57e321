//! What a kernel's name gives away: Tensor Cores, precision, and a form short enough for a table (METRICS 3).
//!
//! Libraries write these into their names by habit, not by contract. Each list below holds words seen in recorded traces
//! or in the naming schemes of cuBLAS, cuDNN, CUTLASS and Tensile; where no word tells, the answer is `None`, not a guess.

mod readable;

pub use readable::short_name;

use super::categories::{OpCategory, Rules};

/// Parts of library names that do no matrix product themselves, and matrix products on plain arithmetic units, whatever
/// else the name says: asked first.
const PLAIN_BEFORE_ALL: &[&str] = &[
    "simt",
    "ffma",
    "splitkreduce",
    "reducesplitk",
    "computeoffsets",
    "init_device_workspace",
    "scalepackedtensor",
    "splitkv_combine",
    "fwdcombine",
    "dot_do_o",
    "convert_dq",
    "bwdpreprocess",
    "bwdpostprocess",
];

/// Matrix units. `sNNN`, `hNNN`, `iNNN`, `dNNN` are accumulator and shape of the instruction in cuBLAS and CUTLASS;
/// `tensor16x8x8` and `warpgroupsize` the same in xmma; `gtcx`, `xdl`, `mfma` AMD's.
const MATRIX_UNITS: &[&str] = &[
    "tensorop_",
    "opclasstensorop",
    "tcgen05",
    "wgmma",
    "hmma",
    "_imma",
    "wmma",
    "nvjet",
    "cutlass3x",
    "s16816",
    "s161616",
    "s1688",
    "s884",
    "h16816",
    "h161616",
    "h1688",
    "h884",
    "i16832",
    "i161616",
    "i16864",
    "i8816",
    "i8832",
    "d884",
    "tensor16x8x",
    "warpgroupsize",
    "tfloat32",
    "tf32f32",
    "_gtcx",
    "xdlops",
    "_xdl",
    "mfma",
];

/// Attention kernels that exist for 16-bit and 8-bit types only, and run on matrix units alone.
const MATRIX_UNIT_ATTENTION: &[&str] = &[
    "flash_fwd",
    "flash_bwd",
    "flashattnfwdsm90",
    "flashattnbwdsm90",
    "fmhasm100",
    "fmha_cutlassf_f16",
    "fmha_cutlassf_bf16",
    "fmha_cutlassb_f16",
    "fmha_cutlassb_bf16",
];

/// Architectures whose matrix products are named after them.
const NEW_ARCHITECTURES: &[&str] = &["sm90", "sm100", "sm103", "sm110", "sm120"];

/// What makes a name with a new architecture one of a matrix product.
const PRODUCTS: &[&str] =
    &["gemm", "xmma", "convolution", "conv2d", "conv_", "fprop", "dgrad", "wgrad", "matmul", "fmha", "flash", "sdpa"];

/// Matrix products, convolutions and their parts on plain arithmetic units, where no word above spoke first.
const PLAIN_PRODUCTS: &[&str] = &[
    "sgemm",
    "dgemm",
    "cgemm",
    "zgemm",
    "hgemm",
    "gemv",
    "gemmsn_",
    "gemmk1_",
    "dot_kernel",
    "scudnn",
    "winograd",
    "fft2d_",
    "fft1d_",
    "implicit_convolve",
    "explicit_convolve",
    "wgrad_alg0",
    "dgrad_engine",
    "conv_depthwise",
    "convdepthwise",
    "im2col",
    "col2im",
    "reduce_wgrad",
    "flip_filter",
    "epilogue::impl::",
    "scal_kernel",
    "subtensorop",
    "reshape_and_cache",
];

/// Whether the kernel called `kernel_name` runs on Tensor Cores (AMD: matrix cores): `Some(false)` for a kernel known to
/// do without, `None` where its name doesn't tell.
#[must_use]
pub fn uses_tensor_cores(kernel_name: &str) -> Option<bool> {
    let name = kernel_name.to_ascii_lowercase();
    if holds_any(&name, PLAIN_BEFORE_ALL) {
        return Some(false);
    }
    let newly_named = holds_any(&name, NEW_ARCHITECTURES) && holds_any(&name, PRODUCTS);
    if newly_named || holds_any(&name, MATRIX_UNITS) || holds_any(&name, MATRIX_UNIT_ATTENTION) {
        return Some(true);
    }
    if name.starts_with(TENSILE) {
        return tensile_uses_matrix_cores(&name);
    }
    if holds_any(&name, PLAIN_PRODUCTS) {
        return Some(false);
    }
    multiplies_no_matrices(kernel_name, &name).then_some(false)
}

/// Whether the kernel belongs to a category whose kernels have no matrix product in them.
fn multiplies_no_matrices(kernel_name: &str, lower: &str) -> bool {
    let verdict = Rules::embedded().kernel(kernel_name);
    match verdict.alone.or(verdict.last) {
        None | Some(OpCategory::Gemm | OpCategory::Convolution | OpCategory::Attention | OpCategory::Other) => false,
        // The cells of cuDNN's and MIOpen's recurrent layers; their persistent kernels hold products too.
        Some(OpCategory::Rnn) => holds_any(lower, &["elementwise", "elemwise", "accum_bp"]),
        Some(_) => true,
    }
}

/// How Tensile (rocBLAS, hipBLASLt) begins every name.
const TENSILE: &str = "cijk_";

/// Tensile says which matrix instruction it was built for (`MI16x16x1`), or that it was built without.
fn tensile_uses_matrix_cores(lower: &str) -> Option<bool> {
    let instruction = lower.split('_').find_map(|part| part.strip_prefix("mi").filter(|shape| shape.contains('x')))?;
    Some(instruction.starts_with(|digit: char| ('1'..='9').contains(&digit)))
}

/// The precision of the kernel's arithmetic as its name tells it: "fp32", "tf32", "fp16", "bf16", "fp8", "int8" or "fp64".
///
/// For matrix products it is the type of the inputs, which is narrower than the accumulator.
#[must_use]
pub fn kernel_precision(kernel_name: &str) -> Option<&'static str> {
    let name = kernel_name.to_ascii_lowercase();
    if name.starts_with(TENSILE) {
        return tensile_precision(&name);
    }
    named_precision(&name).or_else(|| nvjet_precision(&name)).or_else(|| first_template_float(&name))
}

/// Words that name a precision; narrower types first, since wider ones stand beside them as accumulators.
const PRECISION_WORDS: &[(&str, &[&str])] = &[
    ("tf32", &["tf32", "tfloat32"]),
    ("fp8", &["e4m3", "e5m2", "fp8", "float8"]),
    ("bf16", &["bf16", "bfloat16"]),
    (
        "fp16",
        &[
            "fp16", "f16f16", "_f16", "f16_", "float16", "half", "h884", "h1688", "h16816", "h161616", "hgemm",
            "hcudnn", "hmma",
        ],
    ),
    ("int8", &["i8i8", "i8816", "i8832", "i16832", "i161616", "imma", "_int8_"]),
    ("fp64", &["d884", "dgemm", "f64f64", "dcudnn"]),
    // Where f16 is not in the name, this Tensor Core instruction takes its inputs as TF32.
    ("tf32", &["tensorop_s1688"]),
    ("fp32", &["f32f32", "sgemm", "cgemm", "scudnn", "_f32_", "_f32(", "_float("]),
];

/// Names in which a word of [`PRECISION_WORDS`] says something else: the type of a cache beside the kernel's own, and
/// cuDNN's attention, which calls every 16-bit type f16.
const MISLEADING: &[&str] = &["fp8kvcachedatatype", "_wgmma_f16_", "_hmma_f16_"];

fn named_precision(lower: &str) -> Option<&'static str> {
    let mut name = lower.to_owned();
    for word in MISLEADING {
        name = name.replace(word, "?");
    }
    if name.starts_with("_z") && name.contains("df16b") {
        return Some("bf16");
    }
    // Collectives move any bytes as int8; that is no arithmetic.
    let moves_bytes = name.contains("ccl");
    let (precision, _) = PRECISION_WORDS.iter().find(|(_, words)| holds_any(&name, words))?;
    (*precision != "int8" || !moves_bytes).then_some(*precision)
}

/// nvjet (cuBLAS on Hopper and later) begins with the types of A, of the accumulator and of the result: `tst` is bf16.
fn nvjet_precision(lower: &str) -> Option<&'static str> {
    let (_, after) = lower.split_once("nvjet_")?;
    let types = after.split('_').find(|part| !part.starts_with("sm1") && !part.starts_with("sm9"))?;
    match types.as_bytes() {
        [b't', _, _, ..] => Some("bf16"),
        [b'h', _, _, ..] => Some("fp16"),
        [b'q', b'q', _, ..] => Some("fp8"),
        [b'd', _, _, ..] => Some("fp64"),
        _ => None,
    }
}

/// Tensile codes the types of A, B and C/D after the index letters: `Cijk_Alik_Bljk_BBS_BH_...` multiplies bf16.
fn tensile_precision(lower: &str) -> Option<&'static str> {
    let types = lower.split('_').nth(3)?;
    match types.as_bytes() {
        [b'f' | b'b', b'8', ..] => Some("fp8"),
        [b'i', b'8', ..] => Some("int8"),
        [b'b', ..] => Some("bf16"),
        [b'h', ..] => Some("fp16"),
        [b's', b'x', ..] => Some("tf32"),
        [b's', ..] => Some("fp32"),
        [b'd', ..] => Some("fp64"),
        _ => None,
    }
}

/// `float` or `double`, whichever comes first among the template arguments of a C++ kernel. The parameter lists of
/// functions named in there don't count; those of their lambdas do: they are the functor's operands.
fn first_template_float(lower: &str) -> Option<&'static str> {
    let (_, arguments) = lower.split_once('<')?;
    let mut rest = arguments;
    while let Some(at) = rest.find(|letter: char| letter == '(' || is_word(letter)) {
        let (before, here) = rest.split_at(at);
        rest = if here.starts_with('(') && !before.is_empty() {
            after_parentheses(here)
        } else {
            let end = here.find(|letter: char| !is_word(letter)).unwrap_or(here.len());
            let (word, after) = here.split_at(end);
            match word {
                "float" | "float2" | "float4" => return Some("fp32"),
                "double" => return Some("fp64"),
                "lambda" => after.strip_prefix('(').unwrap_or(after),
                _ => after.strip_prefix('(').map_or(after, |_| after_parentheses(after)),
            }
        };
    }
    None
}

/// What follows the parenthesis that closes the one `text` begins with.
fn after_parentheses(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth <= 1 => return text.get(at + 1..).unwrap_or_default(),
            ')' => depth -= 1,
            _ => {}
        }
    }
    ""
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn holds_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests;
