//! The command line as typed, and the tasks that it decides on. One sub-command per analysis of [`analysis::ALL`], and
//! those that are no analysis.

use super::values::{self, Top};
use super::{audit_command, report_command, slice_command, table_command};
use crate::analysis::select::{Part, StepRange};
use crate::analysis::{self, Analysis, Grouping};
use crate::read::Limits;
use crate::render::Format;
use crate::table::{Heading, Unit};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What is to be done, decided and checked.
pub(super) enum Task {
    /// One table of every trace.
    Table(table_command::Plan),
    /// What was found wrong.
    Audit(audit_command::Plan),
    /// A folder with everything.
    Report(report_command::Plan),
    /// A smaller trace.
    Slice(slice_command::Plan),
}

/// How a command reads and speaks, whichever it is.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Manner {
    /// Exit with 2 where the audit finds an error or a warning
    #[arg(long)]
    pub(super) strict: bool,
    /// Refuse traces larger than this uncompressed [default: 64G]
    #[arg(long, value_name = "N[K|M|G|T]", value_parser = values::size)]
    max_bytes: Option<u64>,
    /// Use so many threads [default: one per core, or RAYON_NUM_THREADS]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Say nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say everything that was found
    #[arg(short, long)]
    pub(super) verbose: bool,
}

impl Manner {
    /// What reading may use.
    pub(super) fn limits(&self) -> Limits {
        let limits = Limits::default();
        Limits { max_bytes: self.max_bytes.unwrap_or(limits.max_bytes), ..limits }
    }
}

/// `analyzer ops TRACE...` and the other tables, as typed.
#[derive(Debug, Args)]
struct TableArgs {
    /// .json, .json.gz, - (standard input), a run folder, a folder of runs, or a glob
    #[arg(value_name = "TRACE", required = true)]
    traces: Vec<OsString>,
    /// How the table is printed
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = format_parser())]
    format: Format,
    /// Rows of each trace in the formats table and md; json and csv have all
    #[arg(long, value_name = "N|all", default_value = "10", value_parser = values::top)]
    top: Top,
    /// Sort by this column: numbers descending, text ascending
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
    /// Only these training steps, both ends included: 3, 2..4, 2.. or ..4
    #[arg(long, value_name = "A..B", value_parser = values::steps)]
    steps: Option<StepRange>,
    #[command(flatten)]
    manner: Manner,
}

/// `analyzer report RUNS...`, as typed.
#[derive(Debug, Args)]
struct ReportArgs {
    /// Run folders, folders of runs, traces, or globs
    #[arg(value_name = "RUNS", required = true)]
    runs: Vec<OsString>,
    /// The folder to write into; made if need be, only files of reports are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Pair runs although their configurations differ
    #[arg(long)]
    allow_mismatch: bool,
    /// Only these training steps, both ends included: 3, 2..4, 2.. or ..4
    #[arg(long, value_name = "A..B", value_parser = values::steps)]
    steps: Option<StepRange>,
    #[command(flatten)]
    manner: Manner,
}

/// `analyzer slice TRACE`, as typed.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("part").required(true).args(["steps", "time"])))]
struct SliceArgs {
    /// .json or .json.gz, or a run folder with one trace
    #[arg(value_name = "TRACE")]
    trace: OsString,
    /// These training steps, both ends included: 3, 2..4, 2.. or ..4
    #[arg(long, value_name = "A..B", value_parser = values::steps)]
    steps: Option<StepRange>,
    /// From one point in time to just before another, since the trace's start: 1.5ms..20ms, 0s..1s (ns, us, ms, s)
    #[arg(long, value_name = "FROM..TO", value_parser = values::time_range)]
    time: Option<Part>,
    /// The file to write; compressed where its name ends in .gz
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    manner: Manner,
}

impl Task {
    /// Reads the command line.
    ///
    /// # Errors
    /// What is wrong with it; also `--help` and `--version`, which are no failure (`use_stderr` is false then).
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = command();
        let matches = command.try_get_matches_from_mut(arguments)?;
        let (name, matches) = matches.subcommand().ok_or_else(|| command.error(ErrorKind::MissingSubcommand, ""))?;
        // Errors found from here on carry the usage of the sub-command, as the parser's own do.
        let Some(command) = command.find_subcommand_mut(name) else {
            return Err(clap::Error::new(ErrorKind::InvalidSubcommand));
        };
        if let Some(analysis) = analysis::ALL.iter().find(|analysis| analysis.command == name) {
            return table_plan(analysis, matches, command).map(Self::Table);
        }
        match name {
            audit_command::NAME => audit_plan(matches, command).map(Self::Audit),
            slice_command::NAME => slice_plan(matches, command).map(Self::Slice),
            _ => report_plan(matches, command).map(Self::Report),
        }
    }

    /// How many threads were asked for.
    pub(super) fn threads(&self) -> Option<u16> {
        match self {
            Self::Table(plan) => plan.manner.threads,
            Self::Audit(plan) => plan.manner.threads,
            Self::Report(plan) => plan.manner.threads,
            Self::Slice(plan) => plan.manner.threads,
        }
    }
}

fn command() -> Command {
    // What is declared about a command is said last: augmenting sets the doc comment of the arguments.
    let tables = analysis::ALL.iter().map(|analysis| {
        let table = TableArgs::augment_args(Command::new(analysis.command)).about(analysis.about);
        let table = table.mut_arg("top", |top| top.hide(!analysis.cut_by_top));
        if analysis.command == "ops" { table.arg(by()) } else { table }
    });
    let audit = TableArgs::augment_args(Command::new(audit_command::NAME)).about(audit_command::ABOUT);
    let audit = audit.mut_arg("top", |top| top.hide(true));
    let report = ReportArgs::augment_args(Command::new(report_command::NAME)).about(report_command::ABOUT);
    let slice = SliceArgs::augment_args(Command::new(slice_command::NAME)).about(slice_command::ABOUT);
    Command::new("analyzer")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Exact, fast answers from PyTorch profiler traces and training results")
        .after_help("Exit codes: 0 answered; 2 wrong usage, no input that could be used, or refused by --strict.")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommands(tables)
        .subcommands([audit, report, slice])
}

/// `ops --by`.
fn by() -> Arg {
    let words = PossibleValuesParser::new(["name", "shape", "module"]).map(|word| match word.as_str() {
        "shape" => Grouping::Shape,
        "module" => Grouping::Module,
        _ => Grouping::Name,
    });
    Arg::new("by")
        .long("by")
        .value_name("WHAT")
        .display_order(1)
        .default_value("name")
        .value_parser(words)
        .help("One row per name, per name and input shapes, or per module")
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.iter().map(|format| format.name()))
        .map(|word| Format::ALL.iter().copied().find(|format| format.name() == word).unwrap_or(Format::Table))
}

fn table_plan(
    analysis: &'static Analysis,
    matches: &ArgMatches,
    command: &mut Command,
) -> Result<table_command::Plan, clap::Error> {
    let args = TableArgs::from_arg_matches(matches)?;
    check_standard_input(&args.traces, command)?;
    check_sort_key(args.sort.as_deref(), &(analysis.headings)(), command)?;
    Ok(table_command::Plan {
        analysis,
        traces: args.traces,
        format: args.format,
        top: args.top.rows().filter(|_| analysis.cut_by_top),
        sort: args.sort,
        steps: args.steps,
        grouping: matches.try_get_one("by").ok().flatten().copied().unwrap_or_default(),
        manner: args.manner,
    })
}

fn audit_plan(matches: &ArgMatches, command: &mut Command) -> Result<audit_command::Plan, clap::Error> {
    let args = TableArgs::from_arg_matches(matches)?;
    check_standard_input(&args.traces, command)?;
    check_sort_key(args.sort.as_deref(), &audit_command::headings(), command)?;
    Ok(audit_command::Plan {
        traces: args.traces,
        format: args.format,
        sort: args.sort,
        steps: args.steps,
        manner: args.manner,
    })
}

fn report_plan(matches: &ArgMatches, command: &mut Command) -> Result<report_command::Plan, clap::Error> {
    let ReportArgs { runs, out, allow_mismatch, steps, manner } = ReportArgs::from_arg_matches(matches)?;
    if runs.iter().any(|run| run == "-") {
        let message = "a report is not made from standard input: give a run folder or a trace file";
        return Err(command.error(ErrorKind::ValueValidation, message));
    }
    Ok(report_command::Plan { runs, out, allow_mismatch, steps, manner })
}

fn slice_plan(matches: &ArgMatches, command: &mut Command) -> Result<slice_command::Plan, clap::Error> {
    let SliceArgs { trace, steps, time, out, manner } = SliceArgs::from_arg_matches(matches)?;
    if trace == "-" {
        let message = "a trace is read twice to be cut, and standard input (-) can be read only once: give a file";
        return Err(command.error(ErrorKind::ValueValidation, message));
    }
    let part = steps.map(Part::Steps).or(time);
    let part = part.ok_or_else(|| command.error(ErrorKind::MissingRequiredArgument, "give --steps or --time"))?;
    Ok(slice_command::Plan { trace, part, out, manner })
}

fn check_standard_input(traces: &[OsString], command: &mut Command) -> Result<(), clap::Error> {
    match traces.iter().filter(|trace| *trace == OsStr::new("-")).count() {
        0 | 1 => Ok(()),
        _ => Err(command.error(ErrorKind::TooManyValues, "standard input (-) can be read only once")),
    }
}

/// A key is a column's, with or without its unit. Lists have no order.
fn check_sort_key(key: Option<&str>, headings: &[Heading], command: &mut Command) -> Result<(), clap::Error> {
    let sortable = || headings.iter().filter(|heading| heading.unit != Unit::Nested);
    let Some(key) = key else { return Ok(()) };
    if sortable().any(|heading| heading.key == key || heading.wire_key() == key) {
        return Ok(());
    }
    let keys: Vec<String> = sortable().map(Heading::wire_key).collect();
    let message = format!("no column '{key}' to sort by; the columns are {}", keys.join(", "));
    Err(command.error(ErrorKind::InvalidValue, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Task, clap::Error> {
        Task::parse(std::iter::once("analyzer").chain(line.split_whitespace()).map(OsString::from))
    }

    fn message(line: &str) -> String {
        parse(line).err().unwrap().to_string()
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_analysis_is_a_command() {
        for analysis in analysis::ALL {
            assert!(
                matches!(parse(&format!("{} t.json", analysis.command)), Ok(Task::Table(_))),
                "{}",
                analysis.command
            );
        }
        assert!(matches!(parse("audit t.json"), Ok(Task::Audit(_))));
        assert!(matches!(parse("report runs --out out"), Ok(Task::Report(_))));
    }

    #[test]
    fn options_mean_what_they_say() {
        let line = "ops - t.json --by shape --top all --steps 2..4 --format md --sort calls --max-bytes 1K --threads 3";
        let Ok(Task::Table(plan)) = parse(line) else { panic!("no table") };
        assert_eq!((plan.grouping, plan.top, plan.format), (Grouping::Shape, None, Format::Md));
        assert_eq!(plan.steps, Some(StepRange { first: Some(2), last: Some(4) }));
        assert_eq!((plan.manner.limits().max_bytes, plan.manner.threads), (1_024, Some(3)));
        let Ok(Task::Table(plan)) = parse("categories t.json --top 3") else { panic!("no table") };
        assert_eq!(plan.top, None, "only long tables are cut");
    }

    #[test]
    fn an_unknown_key_lists_the_known_ones() {
        let said = message("ops t.json --sort weight");
        assert!(said.contains("'weight'") && said.contains("calls, host_total_ns"), "{said}");
        assert!(said.contains("Usage: analyzer ops"), "{said}");
        for key in ["device_self", "device_self_ns", "device_self_bytes", "device_self_share", "name"] {
            assert!(parse(&format!("ops t.json --sort {key}")).is_ok(), "{key}");
        }
        assert!(message("summary t.json --sort top_ops").contains("no column"), "a list has no order");
    }

    #[test]
    fn standard_input_is_read_once_and_by_tables() {
        assert!(message("ops - -").contains("only once"));
        assert!(message("report - --out x").contains("standard input"));
    }

    #[test]
    fn help_is_no_failure() {
        for line in ["--help", "ops --help", "report -h", "--version"] {
            assert!(!parse(line).err().unwrap().use_stderr(), "{line}");
        }
        for line in ["", "ops", "nothing", "report runs", "ops t.json --quiet -v", "ops t.json --threads 0"] {
            assert!(parse(line).err().unwrap().use_stderr(), "{line:?}");
        }
    }
}
