//! A kernel's name in the width of a table cell.
//!
//! `void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>, std::array<char*, 3ul> >(int, …)`
//! reads `vectorized_elementwise_kernel<CUDAFunctor_add<float>>`: no return type, no namespaces, no parameters, and of the
//! template arguments those that say what is computed on what. A lambda goes by the function that holds it and the types
//! that it takes. Names that are no C++ declaration stay as they are. The full name is always in the data.

/// The longest result, in characters.
const WIDTH: usize = 80;
/// How many characters stay before the cut of a longer name, the rest staying after it.
const HEAD: usize = 47;
/// How many template arguments are shown, at most.
const ARGUMENTS: usize = 2;
/// How deep template arguments are followed. Real names need three or four; a damaged one must not exhaust the stack.
const DEPTH: usize = 8;

/// Wrappers that hide the kernel itself in their first argument.
const SHELLS: &[&str] = &["Kernel", "Kernel2", "device_kernel", "kernel_wrapper"];
/// Wrappers around the functor that is computed.
const FUNCTOR_SHELLS: &[&str] =
    &["gpu_kernel_impl", "gpu_kernel_impl_nocast", "gpu_index_kernel", "ReduceOp", "func_wrapper_t"];
/// Arguments that tell how data are reached, not what is done with them.
const PLUMBING: &[&str] = &[
    "Array",
    "array",
    "TrivialOffsetCalculator",
    "OffsetCalculator",
    "LoadWithoutCast",
    "StoreWithoutCast",
    "LoadWithCast",
    "StoreWithCast",
    "TensorListMetadata",
    "TensorListScalarListMetadata",
    "FusedOptimizerTensorListMetadata",
    "ScanTileState",
    "ReduceByKeyScanTileState",
    "MatrixShape",
    "identity_decomposer_t",
];
/// Names that say nothing without their namespace.
const NAMELESS: &[&str] = &["kernel", "Kernel", "kentry", "run", "type"];

/// A shortened, readable form of the kernel's name, at most 80 characters; never empty unless `full` is.
#[must_use]
pub fn short_name(full: &str) -> String {
    let name = full.trim();
    let name = name.strip_suffix("[clone .kd]").unwrap_or(name).trim_end();
    if let Some(short) = declaration(name).map(|subject| subject.text(0)).filter(|short| !short.is_empty()) {
        return elide(&short, HEAD);
    }
    let name = if name.is_empty() { full } else { name };
    if name.contains("_xmma_") {
        return elide(&without_boilerplate(name), HEAD);
    }
    elide(name, tensile_head(name).unwrap_or(HEAD))
}

/// The declared entity of `name` without return type and parameters; `None` if `name` is not in the form of C++.
fn declaration(name: &str) -> Option<Entity<'_>> {
    let is_mangled = name.starts_with("_Z");
    let parameters = outside(name).find(|(at, letter)| *letter == '(' && !opens_anonymous_namespace(&name[*at..]));
    let head = match parameters {
        _ if is_mangled => return None,
        // "Memcpy HtoD (Pageable -> Device)": no C++ function has a space before its parameters.
        Some((at, _)) if name[..at].ends_with(' ') => return None,
        Some((at, _)) => &name[..at],
        None if name.ends_with('>') => name,
        None => return None,
    };
    let start = outside(head).filter(|(_, letter)| *letter == ' ').last().map_or(0, |(at, _)| at + 1);
    Some(Entity::new(&head[start..]))
}

fn opens_anonymous_namespace(text: &str) -> bool {
    text.starts_with("(anonymous namespace)")
}

/// The part of a qualified name that says what it is, with what qualifies it.
#[derive(Clone, Copy)]
struct Entity<'a> {
    /// The last name that is neither a namespace nor a lambda nor a call operator.
    name: &'a str,
    /// Its template arguments, as written.
    arguments: &'a str,
    /// The name before it, for names that say nothing alone.
    namespace: Option<&'a str>,
    /// What the innermost lambda takes, as written.
    lambda: Option<&'a str>,
}

impl<'a> Entity<'a> {
    fn new(qualified: &'a str) -> Self {
        let mut entity = Self { name: qualified, arguments: "", namespace: None, lambda: None };
        let mut names = Vec::new();
        for part in split(qualified, Separator::Scope) {
            if let Some(lambda) = part.strip_prefix(['{', '[']).and_then(|part| part.strip_prefix("lambda(")) {
                entity.lambda = Some(lambda.split(')').next().unwrap_or_default());
            } else if !part.starts_with("operator") && !opens_anonymous_namespace(part) && part != "<unnamed>" {
                names.push(part);
            }
        }
        let Some(last) = names.pop() else { return entity };
        let end = last.find(['<', '(']).unwrap_or(last.len());
        entity.name = last[..end].trim();
        entity.arguments = template_arguments(&last[end..]);
        entity.namespace = names.last().map(|name| name.split(['<', '(']).next().unwrap_or_default());
        entity
    }

    /// The short form, `depth` templates deep.
    fn text(&self, depth: usize) -> String {
        let arguments = self.short_arguments(depth + 1);
        if SHELLS.contains(&self.name)
            && let Some(inner) = arguments.telling.first()
        {
            return inner.clone();
        }
        if FUNCTOR_SHELLS.contains(&self.name)
            && let Some(functor) = arguments.telling.iter().find(|argument| !is_type_word(argument))
        {
            return functor.clone();
        }
        let name = match self.namespace {
            Some(namespace) if NAMELESS.contains(&self.name) && !namespace.is_empty() => {
                format!("{namespace}::{}", self.name)
            }
            _ => self.name.to_owned(),
        };
        let shown = arguments.shown();
        if shown.is_empty() { name } else { format!("{name}<{}>", shown.join(", ")) }
    }

    /// The arguments of the template or else of the lambda inside, shortened.
    fn short_arguments(&self, depth: usize) -> Arguments {
        let mut short = Arguments::default();
        if depth > DEPTH {
            return short;
        }
        for written in [self.arguments, self.lambda.unwrap_or_default()] {
            for argument in split(written, Separator::Comma) {
                short.add(argument, depth);
            }
            if !short.telling.is_empty() {
                break;
            }
        }
        short
    }
}

/// Template arguments worth a look, without repetition.
#[derive(Default)]
struct Arguments {
    /// Floating point types, functors, functions.
    telling: Vec<String>,
    /// The first integer type: shown where nothing else is.
    integer: Option<String>,
}

impl Arguments {
    fn add(&mut self, written: &str, depth: usize) {
        let bare = written.trim().trim_end_matches(['*', '&', ' ']);
        let bare = bare.strip_suffix(" const").or_else(|| bare.strip_prefix("const ")).unwrap_or(bare).trim();
        let is_value = bare.is_empty()
            || bare.starts_with(|first: char| first.is_ascii_digit() || first == '-')
            || (bare.starts_with('(') && !opens_anonymous_namespace(bare))
            || matches!(bare, "true" | "false" | "void" | "decltype(nullptr)");
        if is_value {
            return;
        }
        if is_integer(bare) {
            self.integer.get_or_insert_with(|| bare.to_owned());
            return;
        }
        let entity = Entity::new(bare);
        if PLUMBING.contains(&entity.name) || is_policy(entity.name) {
            return;
        }
        let short = entity.text(depth);
        if !short.is_empty() && !self.telling.contains(&short) {
            self.telling.push(short);
        }
    }

    /// What is shown: what is computed before what it is computed on, since the type often repeats inside the functor.
    fn shown(self) -> Vec<String> {
        let (mut words, mut shown): (Vec<_>, Vec<_>) =
            self.telling.into_iter().partition(|argument| is_type_word(argument));
        words.retain(|word| !shown.iter().any(|functor| functor.contains(word.as_str())));
        shown.append(&mut words);
        shown.truncate(ARGUMENTS);
        if shown.is_empty() { self.integer.into_iter().collect() } else { shown }
    }
}

/// How a library tuned its kernel: `Policy1000`, `AgentScanPolicy`.
fn is_policy(name: &str) -> bool {
    name.starts_with("Policy") || name.ends_with("Policy")
}

fn is_type_word(short: &str) -> bool {
    matches!(
        short,
        "float"
            | "double"
            | "float2"
            | "float4"
            | "Half"
            | "BFloat16"
            | "__half"
            | "half"
            | "__nv_bfloat16"
            | "__hip_bfloat16"
            | "half_t"
            | "bfloat16_t"
    )
}

fn is_integer(bare: &str) -> bool {
    let mut words = bare.split(' ');
    words.all(|word| {
        matches!(
            word,
            "unsigned"
                | "signed"
                | "char"
                | "short"
                | "int"
                | "long"
                | "bool"
                | "int8_t"
                | "uint8_t"
                | "int32_t"
                | "int64_t"
                | "size_t"
        )
    })
}

/// What stands between the brackets that `text` begins with; nothing where it begins with none.
fn template_arguments(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('<') else { return "" };
    let end = outside(inner).find(|(_, letter)| *letter == '>').map_or(inner.len(), |(at, _)| at);
    &inner[..end]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    /// `::`
    Scope,
    /// `,`
    Comma,
}

/// The parts of `text` between separators that stand outside all brackets.
fn split(text: &str, separator: Separator) -> impl Iterator<Item = &str> {
    let (letter, width) = match separator {
        Separator::Scope => (':', 2),
        Separator::Comma => (',', 1),
    };
    let mut cuts = outside(text).filter(move |(at, found)| {
        *found == letter && (separator == Separator::Comma || text[*at..].starts_with("::"))
    });
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        let cut = cuts.by_ref().map(|(at, _)| at).find(|at| *at >= from);
        start = cut.map(|at| at + width);
        Some(text[from..cut.unwrap_or(text.len())].trim())
    })
}

/// The characters of `text` outside all brackets, each with its place; an opening bracket counts as outside, and so does a
/// closing one without its partner.
fn outside(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut depth = 0_usize;
    let mut before = ' ';
    text.char_indices().filter(move |(_, letter)| {
        let is_arrow = *letter == '>' && before == '-';
        before = *letter;
        match letter {
            '<' | '(' | '[' | '{' => {
                depth += 1;
                depth == 1
            }
            '>' | ')' | ']' | '}' if !is_arrow => {
                let is_closed_before = depth == 0;
                depth = depth.saturating_sub(1);
                is_closed_before
            }
            _ => depth == 0,
        }
    })
}

/// xmma names spell out what all of them share: what is left tells type, layout, tile and split apart.
fn without_boilerplate(name: &str) -> String {
    let says_something = |part: &&str| {
        !matches!(
            *part,
            "" | "execute" | "kernel" | "5x" | "cudnn" | "cublas" | "infer" | "train" | "g1" | "implicit" | "nhwckrsc"
        ) && !part.starts_with("warpgroupsize")
            && !part.starts_with("warpsize")
    };
    name.split('_')
        .filter(says_something)
        .map(|part| part.strip_prefix("tilesize").unwrap_or(part))
        .collect::<Vec<_>>()
        .join("_")
}

/// Where the telling part of a Tensile name ends: types, tile and instruction come first, dozens of tuning flags after.
fn tensile_head(name: &str) -> Option<usize> {
    let at = name.strip_prefix("Cijk_")?.find("_MI").map(|at| at + "Cijk__MI".len())?;
    let length = name.get(at..)?.find('_')? + at;
    (length < WIDTH - 4).then_some(length)
}

/// `text` cut after `head` characters to [`WIDTH`] in all, keeping its end: both ends of a name tell variants apart.
fn elide(text: &str, head: usize) -> String {
    let length = text.chars().count();
    if length <= WIDTH {
        return text.to_owned();
    }
    let tail = WIDTH.saturating_sub(head + 1);
    text.chars().take(head).chain(std::iter::once('…')).chain(text.chars().skip(length - tail)).collect()
}
