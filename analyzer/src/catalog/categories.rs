//! Op categories (METRICS 4): whose time is this?
//!
//! The rules are data, `data/categories.toml`, embedded and parsed once. What each table says of a name is a verdict,
//! computed once per distinct name ([`Rules::host`], [`Rules::kernel`]); [`decide`] then judges a piece of time by the
//! verdicts along its ancestors and never looks at text again.

use super::glob::Glob;
use super::normal_form::{is_autograd_node, normal_form};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The rules, as edited.
const EMBEDDED: &str = include_str!("../../data/categories.toml");
/// How Inductor names a compiled kernel and the host event that launches it.
const COMPILED_KERNEL: &str = "triton_";

macro_rules! op_categories {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal;)*) => {
        /// What a piece of time was spent on. The order is that of METRICS 4.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum OpCategory { $($(#[doc = $doc])* $variant,)* }

        impl OpCategory {
            /// Every category, in the order of METRICS 4.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in every table, and in the rules.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

op_categories! {
    /// Convolutions, forward and backward, with their bias.
    Convolution "Convolution";
    /// Matrix products.
    Gemm "GEMM";
    /// Batch, layer, group, instance, RMS and weight norms.
    Normalization "Normalization";
    /// LSTM, GRU and plain recurrent layers with everything inside them.
    Rnn "RNN";
    /// Attention with everything inside it.
    Attention "Attention";
    /// Pointwise arithmetic, activations, dropout, random numbers.
    Elementwise "Activation/Elementwise";
    /// Pooling and resampling.
    Pooling "Pooling";
    /// Sums, means, extrema, norms of vectors, scans.
    Reduction "Reduction";
    /// Losses and softmax.
    Loss "Loss/Softmax";
    /// Parameter updates, gradient clipping and scaling.
    Optimizer "Optimizer";
    /// Lookups, gathers, scatters, sorting.
    Embedding "Embedding/Indexing";
    /// Copies, casts, concatenation, fills.
    MemoryCopy "Memory copy";
    /// Changes of memory format: `nchwToNhwc` and its like.
    Layout "Layout conversion";
    /// Collectives and point-to-point transfers between ranks.
    Communication "Communication";
    /// Fetching batches.
    DataLoading "Data loading";
    /// Views, allocation, dispatch, the autograd engine, runtime calls, Python between ops.
    Framework "Framework";
    /// What no rule knows.
    Other "Other";
}

impl OpCategory {
    /// The category called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|category| category.name() == name)
    }
}

/// What a host event is, for matching.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HostKind {
    /// A user annotation: matched by scopes only.
    Annotation,
    /// An op or an autograd node: matched by scopes, ops and helpers.
    Op,
    /// A runtime or driver call: matched by nothing.
    Runtime,
    /// The profiler's own overhead: matched by nothing.
    Overhead,
}

/// What each host table says of one name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HostVerdict {
    /// It names a whole, or an implementation that owns everything inside it.
    pub scope: Option<OpCategory>,
    /// It names an operation.
    pub op: Option<OpCategory>,
    /// It names a view, an allocation, a fill: decides only where nothing else does.
    pub helper: Option<OpCategory>,
    /// It is a node of the autograd graph or the engine's call of one.
    pub is_autograd_node: bool,
}

/// What each kernel table says of one name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KernelVerdict {
    /// The category whatever op launched it.
    pub alone: Option<OpCategory>,
    /// The category where no op says.
    pub last: Option<OpCategory>,
}

/// The category of one piece of time; the first hit of METRICS 4's order wins.
///
/// `path` holds the verdicts of the event's ancestors outermost first and the event's own last, each with its kind; for
/// device time it is the path of the launch. `kernel` is the device event's verdict, `None` for host time.
#[must_use]
pub fn decide<'a>(
    path: impl DoubleEndedIterator<Item = &'a (HostKind, HostVerdict)> + Clone,
    kernel: Option<KernelVerdict>,
) -> OpCategory {
    let mut outermost_first = path.clone();
    let mut innermost_first = path.clone().rev();
    let mut helpers_innermost_first = path.clone().rev();
    let own_host_time =
        if kernel.is_none() { innermost_first.clone().next().and_then(unclaimed_host_time) } else { None };
    kernel
        .and_then(|kernel| kernel.alone)
        .or_else(|| outermost_first.find_map(|(_, verdict)| verdict.scope))
        .or_else(|| innermost_first.find_map(|(_, verdict)| verdict.op))
        .or_else(|| kernel.and_then(|kernel| kernel.last))
        .or_else(|| helpers_innermost_first.find_map(|(_, verdict)| verdict.helper))
        .or(own_host_time)
        .unwrap_or(OpCategory::Other)
}

/// Host time that belongs to no op: the machinery's, unless the event is an op that the rules don't know.
fn unclaimed_host_time((kind, verdict): &(HostKind, HostVerdict)) -> Option<OpCategory> {
    (*kind != HostKind::Op || verdict.is_autograd_node).then_some(OpCategory::Framework)
}

/// Why a text holds no rules.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not TOML, or not of the shape of `categories.toml`.
    #[error("the category rules cannot be read: see the header of categories.toml for their form")]
    Shape(#[from] toml::de::Error),
    /// A category that METRICS 4 does not have.
    #[error("category rules: {table} has no category {category:?}: use a name of METRICS 4")]
    Category {
        /// The table of the rule.
        table: &'static str,
        /// The name found.
        category: String,
    },
}

/// The rule tables.
#[derive(Debug, Default)]
pub struct Rules {
    kernel_alone: RuleTable,
    scope: RuleTable,
    op: RuleTable,
    helper: RuleTable,
    kernel_last: RuleTable,
}

impl Rules {
    /// The embedded rules, parsed once. That they parse is a test; were it not so, every name would be without verdict.
    pub fn embedded() -> &'static Self {
        static RULES: OnceLock<Rules> = OnceLock::new();
        RULES.get_or_init(|| Self::parse(EMBEDDED).unwrap_or_default())
    }

    /// Reads rules in the form of `categories.toml`.
    ///
    /// # Errors
    /// Where the text is not of that form or names an unknown category.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let file: RuleFile = toml::from_str(text)?;
        Ok(Self {
            kernel_alone: RuleTable::new("kernel_alone", &file.kernel_alone)?,
            scope: RuleTable::new("scope", &file.scope)?,
            op: RuleTable::new("op", &file.op)?,
            helper: RuleTable::new("helper", &file.helper)?,
            kernel_last: RuleTable::new("kernel_last", &file.kernel_last)?,
        })
    }

    /// What the host tables say of an event called `name`.
    #[must_use]
    pub fn host(&self, name: &str, kind: HostKind) -> HostVerdict {
        match kind {
            HostKind::Runtime | HostKind::Overhead => HostVerdict::default(),
            HostKind::Annotation => {
                HostVerdict { scope: self.scope.category(&normal_form(name)), ..HostVerdict::default() }
            }
            HostKind::Op => {
                let word = normal_form(name);
                let is_compiled_kernel = name.starts_with(COMPILED_KERNEL);
                HostVerdict {
                    scope: self.scope.category(&word),
                    op: if is_compiled_kernel { self.kernel(name).last } else { self.op.category(&word) },
                    helper: self.helper.category(&word),
                    is_autograd_node: is_autograd_node(name),
                }
            }
        }
    }

    /// What the kernel tables say of a device event called `name`.
    #[must_use]
    pub fn kernel(&self, name: &str) -> KernelVerdict {
        let name = name.to_ascii_lowercase();
        KernelVerdict { alone: self.kernel_alone.category(&name), last: self.kernel_last.category(&name) }
    }
}

/// The rules of one kind, in order.
#[derive(Debug, Default)]
struct RuleTable {
    /// Names without a star: the position of the first rule that has each.
    exact: BTreeMap<Box<str>, (usize, OpCategory)>,
    /// Patterns with stars in the order of their rules.
    globs: Vec<(usize, OpCategory, Glob)>,
}

impl RuleTable {
    fn new(table: &'static str, rules: &[RuleText]) -> Result<Self, RuleError> {
        let mut compiled = Self::default();
        for (position, rule) in rules.iter().enumerate() {
            let category = OpCategory::from_name(&rule.category)
                .ok_or_else(|| RuleError::Category { table, category: rule.category.clone() })?;
            for pattern in rule.names.iter().map(|name| name.to_ascii_lowercase()) {
                if pattern.contains('*') {
                    compiled.globs.push((position, category, Glob::new(&pattern)));
                } else {
                    compiled.exact.entry(pattern.into()).or_insert((position, category));
                }
            }
        }
        Ok(compiled)
    }

    /// The category of the first rule that matches `text`, which is in lower case.
    fn category(&self, text: &str) -> Option<OpCategory> {
        let exact = self.exact.get(text).copied();
        let before = exact.map_or(usize::MAX, |(position, _)| position);
        self.globs
            .iter()
            .take_while(|(position, ..)| *position < before)
            .find(|(.., glob)| glob.matches(text))
            .map(|(_, category, _)| *category)
            .or(exact.map(|(_, category)| category))
    }
}

/// `categories.toml` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    kernel_alone: Vec<RuleText>,
    scope: Vec<RuleText>,
    op: Vec<RuleText>,
    helper: Vec<RuleText>,
    kernel_last: Vec<RuleText>,
}

/// One rule as written: a category and the patterns that lead to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    category: String,
    names: Vec<String>,
}

#[cfg(test)]
mod tests;
