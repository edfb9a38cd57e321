//! Runs written by hand, all times synthetic.

use super::*;
use crate::table::{Table, headings};
use proptest::prelude::*;

fn ns(count: i64) -> Nanoseconds {
    Nanoseconds::new(count)
}

/// A run with results: a total, two epochs of half of it, and level steps of a hundredth.
fn run(model: &str, side: Side, name: &str, total: i64) -> RunNumbers {
    RunNumbers {
        model: model.into(),
        side,
        variant: "".into(),
        run: name.into(),
        config: Recorded::Yes(Config { epochs: Recorded::Yes(2), ..Config::UNRECORDED }),
        total: Recorded::Yes(ns(total)),
        epochs: Recorded::Yes(vec![ns(total / 2); 2]),
        steps: Recorded::Yes(vec![ns(total / 100); 20]),
        trace: Recorded::No(Why::NoTrace),
    }
}

fn trace(step: i64, categories: &[(&'static str, f64)], ops: &[(&str, f64)]) -> Recorded<TraceNumbers> {
    Recorded::Yes(TraceNumbers {
        steps: vec![ns(step); 2],
        categories: categories.to_vec(),
        ops: ops.iter().map(|(name, time)| (Untrusted::new(name), *time)).collect(),
        device_busy: Recorded::Yes(categories.iter().map(|(_, time)| time).sum()),
        category_busy: categories.to_vec(),
        transfer: Recorded::Yes(10.0),
        launch_latency: Recorded::No(Why::NoDevice),
    })
}

/// A run with a trace alone.
fn traced(side: Side, trace: Recorded<TraceNumbers>) -> RunNumbers {
    let no = Why::NoResults;
    RunNumbers {
        config: Recorded::No(no),
        total: Recorded::No(no),
        epochs: Recorded::No(no),
        steps: Recorded::No(no),
        trace,
        ..run("net", side, if side == Side::Cpu { "net_cpu" } else { "net_cuda" }, 1)
    }
}

fn find<'rows>(found: &'rows Speedups, metric: Metric, name: &str) -> &'rows SpeedupRow {
    let named = |row: &SpeedupRow| row.name.as_ref().map_or("", |name| name.raw()) == name;
    found.rows.iter().find(|row| row.metric == metric && named(row)).unwrap()
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * right.abs()
}

fn three(side: Side, totals: [i64; 3]) -> Vec<RunNumbers> {
    let word = if side == Side::Cpu { "cpu" } else { "cuda" };
    totals.iter().zip(1..).map(|(&total, repeat)| run("net", side, &format!("net_{word}.{repeat}"), total)).collect()
}

#[test]
fn the_wire_keys_are_those_of_the_contract() {
    let keys: Vec<String> = headings(COLUMNS).iter().map(crate::table::Heading::wire_key).collect();
    let contract =
        "model variant metric name cpu_ns gpu_ns ratio ratio_low ratio_high cpu_runs gpu_runs why_no_interval";
    assert_eq!(keys.join(" "), contract);
}

#[test]
fn one_run_a_side_gives_ratios_without_interval() {
    let found = speedups(&[run("net", Side::Cpu, "net_cpu", 41_200), run("net", Side::Gpu, "net_cuda", 4_000)], false);
    let metrics: Vec<Metric> = found.rows.iter().map(|row| row.metric).collect();
    assert_eq!(metrics, [Metric::Total, Metric::Epoch, Metric::Step]);
    for (row, cpu, gpu) in [(&found.rows[0], 41_200, 4_000), (&found.rows[1], 20_600, 2_000), (&found.rows[2], 412, 40)]
    {
        assert_eq!((row.cpu, row.gpu), (Recorded::Yes(ns(cpu)), Recorded::Yes(ns(gpu))));
        assert!(close(row.ratio.value().unwrap(), 10.3));
        assert_eq!((row.interval, row.why_no_interval), (None, Some(NoInterval::Runs(1))));
    }
    let table = Table::new("speedup", COLUMNS, &found.rows);
    assert_eq!(table.rows[0][6], Cell::Decimal(10.3));
    assert_eq!(table.rows[0][11], Cell::Name("1 run: no interval".into()));
    assert_eq!(table.rows[0][3], Cell::Absent(Why::NotDefined));
}

#[test]
fn three_runs_a_side_give_the_interval_of_the_definition() {
    // ln of 100, 110, 121 and 10, 11, 12.1 thousand: one spread, ln 1.1, on either side
    let mut runs = three(Side::Cpu, [100_000, 110_000, 121_000]);
    runs.extend(three(Side::Gpu, [10_000, 11_000, 12_100]));
    let found = speedups(&runs, false);
    let row = find(&found, Metric::Total, "");
    assert_eq!((row.cpu, row.gpu), (Recorded::Yes(ns(110_000)), Recorded::Yes(ns(11_000))));
    let reach = 2.776_445_105_197_795 * 1.1f64.ln() * (2.0f64 / 3.0).sqrt();
    let (low, high) = row.interval.unwrap();
    assert!(close(low, 10.0 * (-reach).exp()) && close(high, 10.0 * reach.exp()));
    assert_eq!((row.cpu_runs, row.gpu_runs, row.why_no_interval), (3, 3, None));
    runs.pop();
    let found = speedups(&runs, false);
    assert_eq!(find(&found, Metric::Total, "").why_no_interval.unwrap().text(), "2 runs: no interval");
}

#[test]
fn a_config_mismatch_drops_the_pair_unless_it_is_allowed() {
    let mut gpu = run("net", Side::Gpu, "net_cuda", 4_000);
    gpu.config = Recorded::Yes(Config { epochs: Recorded::Yes(5), ..Config::UNRECORDED });
    let runs = [run("net", Side::Cpu, "net_cpu", 40_000), gpu];
    let dropped = speedups(&runs, false);
    assert!(dropped.rows.is_empty() && dropped.pairs[0].dropped);
    assert_eq!(dropped.pairs[0].mismatches[0].field, "epochs");
    let shown = speedups(&runs, true);
    assert!(!shown.pairs[0].dropped && shown.rows.iter().all(|row| row.mismatch));
}

#[test]
fn traces_alone_compare_steps_categories_and_ops() {
    let cpu = trace(1_000, &[("GEMM", 600.0), ("Pooling", 50.0)], &[("aten::mm", 500.5), ("aten::t", 3.0)]);
    let gpu = trace(100, &[("GEMM", 60.0), ("Layout", 20.0)], &[("aten::mm", 50.0), ("aten::zero", 0.0)]);
    let found = speedups(&[traced(Side::Cpu, cpu), traced(Side::Gpu, gpu)], false);
    let order: Vec<(Metric, &str)> =
        found.rows.iter().map(|row| (row.metric, row.name.as_ref().map_or("", |name| name.raw()))).collect();
    let expected = [
        (Metric::Total, ""),
        (Metric::Epoch, ""),
        (Metric::Step, ""),
        (Metric::Category, "GEMM"),
        (Metric::Category, "Pooling"),
        (Metric::Category, "Layout"),
        (Metric::Op, "aten::mm"),
        (Metric::Op, "aten::t"),
        (Metric::Op, "aten::zero"),
    ];
    assert_eq!(order, expected);
    let total = find(&found, Metric::Total, "");
    assert_eq!((total.cpu, total.why_no_interval), (Recorded::No(Why::NoResults), Some(NoInterval::NoSide)));
    assert!(close(find(&found, Metric::Step, "").ratio.value().unwrap(), 10.0));
    let matmul = find(&found, Metric::Op, "aten::mm");
    assert_eq!((matmul.cpu, matmul.ratio), (Recorded::Yes(ns(501)), Recorded::Yes(matmul.ratio.value().unwrap())));
    let layout = find(&found, Metric::Category, "Layout");
    assert_eq!((layout.cpu, layout.gpu), (Recorded::No(Why::NotInTrace), Recorded::Yes(ns(20))));
    assert_eq!(
        (layout.ratio, layout.why_no_interval),
        (Recorded::No(Why::NotDefined), Some(NoInterval::OneSide(Side::Gpu)))
    );
    let facts = &found.pairs[0];
    assert_eq!(facts.config_not_recorded, ["net_cpu".into(), "net_cuda".into()]);
    let one_sided = facts.one_sided.clone().value().unwrap();
    assert_eq!((one_sided.gpu_categories, one_sided.cpu_ops), (vec!["Layout".into()], vec!["aten::t".into()]));
}

#[test]
fn the_gpu_step_says_what_bounds_it() {
    let gpu = trace(100, &[("GEMM", 60.0), ("Layout", 20.0)], &[]);
    let found = speedups(&[traced(Side::Cpu, trace(500, &[("GEMM", 1.0)], &[])), traced(Side::Gpu, gpu)], false);
    let step = found.pairs[0].gpu_step.clone().value().unwrap();
    assert_eq!((step.mean_step, step.transfer_share), (100.0, Recorded::Yes(0.1)));
    assert_eq!(step.launch_latency_share, Recorded::No(Why::NoDevice));
    let (largest, device) = (step.largest.unwrap(), step.device.unwrap());
    assert_eq!((largest.category, largest.limit), (Some("GEMM"), Some(2.5)));
    assert!(close(device.limit.unwrap(), 5.0));
}

#[test]
fn a_time_of_zero_has_no_ratio() {
    let traces = [trace(9, &[], &[("op", 5.0)]), trace(9, &[], &[("op", 0.0)])];
    let [cpu, gpu] = traces;
    let found = speedups(&[traced(Side::Cpu, cpu), traced(Side::Gpu, gpu)], false);
    let row = find(&found, Metric::Op, "op");
    assert_eq!((row.gpu, row.why_no_interval), (Recorded::Yes(ns(0)), Some(NoInterval::NoTime)));
}

#[test]
fn profiled_and_unprofiled_steps_have_no_ratio() {
    let runs = [run("net", Side::Cpu, "net_cpu", 40_000), traced(Side::Gpu, trace(100, &[], &[]))];
    let found = speedups(&runs, false);
    let row = find(&found, Metric::Step, "");
    assert_eq!((row.cpu, row.gpu), (Recorded::Yes(ns(400)), Recorded::Yes(ns(100))));
    assert_eq!((row.ratio, row.why_no_interval), (Recorded::No(Why::NotDefined), Some(NoInterval::Profiled)));
    assert_eq!(find(&found, Metric::Total, "").why_no_interval, Some(NoInterval::OneSide(Side::Cpu)));
}

#[test]
fn too_few_steps_are_named_and_the_traces_serve() {
    let mut cpu = run("net", Side::Cpu, "net_cpu", 40_000);
    cpu.steps = Recorded::Yes(vec![ns(400); 3]);
    cpu.trace = trace(800, &[], &[]);
    let gpu = RunNumbers { trace: trace(100, &[], &[]), ..run("net", Side::Gpu, "net_cuda", 4_000) };
    let found = speedups(&[cpu, gpu], false);
    let step = find(&found, Metric::Step, "");
    assert!(close(step.ratio.value().unwrap(), 8.0) && step.profiled);
    assert!(!find(&found, Metric::Total, "").profiled);
    assert!(matches!(found.pairs[0].steps[0].value, Recorded::Yes(Err(_))));
    assert!(matches!(found.pairs[0].steps[1].value, Recorded::Yes(Ok(_))));
}

#[test]
fn a_run_folder_brings_its_results_and_an_interrupted_one_no_total() {
    let folder = |complete: &str| {
        let root = tempfile::TempDir::new().unwrap();
        let text = format!(
            r#"{{"schema_version": 1, "note": "synthetic", "model": "net", "device": {{"kind": "cuda"}},
                "epochs": [{{"epoch": 1, "seconds": 2}}], "total_seconds": 3, "complete": {complete}}}"#
        );
        std::fs::write(root.path().join("results.json"), text).unwrap();
        let mut found = crate::run::discover(root.path()).unwrap();
        RunNumbers::of(&found.runs.remove(0), Recorded::No(Why::NoTrace)).unwrap()
    };
    let whole = folder("true");
    assert_eq!((whole.side, whole.total), (Side::Gpu, Recorded::Yes(ns(3_000_000_000))));
    assert_eq!(whole.epochs, Recorded::Yes(vec![ns(2_000_000_000)]));
    assert_eq!(whole.steps, Recorded::No(Why::NotInResults));
    assert_eq!(folder("false").total, Recorded::No(Why::NotDefined));
}

#[test]
fn groups_without_counterpart_are_named() {
    let mut variant = run("net", Side::Gpu, "net_cuda_tf32", 4_000);
    variant.variant = "tf32".into();
    let found = speedups(&[variant, run("other", Side::Cpu, "other_cpu", 4_000)], false);
    assert!(found.rows.is_empty());
    let sides: Vec<(&str, Side, &str)> =
        found.unpaired.iter().map(|group| (group.model.raw(), group.side, group.variant.raw())).collect();
    assert_eq!(sides, [("net", Side::Gpu, "tf32"), ("other", Side::Cpu, "")]);
}

proptest! {
    #[test]
    fn the_interval_holds_the_ratio_and_swapping_sides_inverts_it(
        cpu in prop::array::uniform3(1_000i64..1_000_000_000),
        gpu in prop::array::uniform3(1_000i64..1_000_000_000),
    ) {
        let both = |cpu, gpu| {
            let mut runs = three(Side::Cpu, cpu);
            runs.extend(three(Side::Gpu, gpu));
            speedups(&runs, false)
        };
        let (there, back) = (both(cpu, gpu), both(gpu, cpu));
        for (row, swapped) in there.rows.iter().zip(&back.rows) {
            let (ratio, inverse) = (row.ratio.value().unwrap(), swapped.ratio.value().unwrap());
            let (low, high) = row.interval.unwrap();
            prop_assert!(low < ratio && ratio < high);
            prop_assert!(close(ratio * inverse, 1.0));
            prop_assert!(close(low * swapped.interval.unwrap().1, 1.0));
        }
    }

    #[test]
    fn the_order_of_the_runs_never_shows(totals in prop::array::uniform3(1_000i64..1_000_000_000)) {
        let mut runs = three(Side::Cpu, totals);
        runs.extend(three(Side::Gpu, [totals[2], totals[0], totals[1]]));
        let forward = speedups(&runs, false);
        runs.reverse();
        prop_assert_eq!(forward, speedups(&runs, false));
    }
}
