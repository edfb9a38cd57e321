//! The analyses on drawn traces. Each test opens with its drawing; times are nanoseconds.

use super::categories::{Kind, Role, step_partition};
use super::context::Context;
use super::ops::{self, OpRow, RankedOp};
use super::{Grouping, categories, memory, select, steps, timeline};
use crate::trace::Trace;
use crate::trace::sketch::sketch;
use crate::units::{Bytes, Nanoseconds};

fn ns(count: i64) -> Nanoseconds {
    Nanoseconds::new(count)
}

/// The operator rows; and what says less of them, and of the devices, must say the same.
fn ops(trace: &Trace) -> Vec<OpRow> {
    let context = Context::new(trace);
    let rows = ops::rows(&context, Grouping::Name);
    let host_self = rows.iter().map(|row| row.host_self).sum();
    assert_eq!(ops::ranking(&context), (rows.iter().map(RankedOp::from).collect(), host_self));
    let devices = timeline::rows(&context);
    let times: Vec<_> = devices.iter().map(|device| (device.total(), device.busy)).collect();
    assert_eq!(timeline::total_and_busy(trace), times);
    rows
}

fn op<'r>(rows: &'r [OpRow], name: &str) -> &'r OpRow {
    rows.iter().find(|row| row.name.raw() == name).unwrap_or_else(|| panic!("no row {name}"))
}

fn device_self(row: &OpRow) -> i64 {
    row.device_self.value().unwrap().sum.get()
}

/// ```text
/// conv   |0 ---------------- 100|
/// mm        |10 -- 40|
/// launch       |20 25|                device: gemm 30..90, more 95..99
/// ```
#[test]
fn a_launch_belongs_to_the_innermost_op_and_counts_up_to_its_ancestors() {
    let trace = sketch(|t| {
        t.op("conv", 0..100, |t| {
            t.op("mm", 10..40, |t| {
                t.launch("gemm", 20..25, 30..90);
                t.same_launch("more", 95..99);
            });
        });
    });
    let rows = ops(&trace);
    assert_eq!((device_self(op(&rows, "mm")), device_self(op(&rows, "conv"))), (64, 0));
    assert_eq!(op(&rows, "conv").device_total.value(), Some(ns(64)));
    assert_eq!(op(&rows, "conv").host_self, ns(70));
    assert_eq!(op(&rows, "mm").host_self, ns(25), "the launch call is a child of its own");
    assert_eq!(op(&rows, "cudaLaunchKernel").host_self, ns(5));
}

/// ```text
/// a |0 ------------ 100|        folded: same name, only child, twice
/// a   |10 ------ 90|
/// a     |20 -- 80|
/// b       |30 40|
/// ```
#[test]
fn recursion_folds_to_a_fixpoint() {
    let trace = sketch(|t| {
        t.op("a", 0..100, |t| t.op("a", 10..90, |t| t.op("a", 20..80, |t| t.op("b", 30..40, |_| ()))));
    });
    let rows = ops(&trace);
    assert_eq!((op(&rows, "a").calls, op(&rows, "a").host_total, op(&rows, "a").host_self), (1, ns(100), ns(90)));
}

/// ```text
/// a |0 ------ 100|
/// a   |10 40|  a |50 60|      two children: nothing folds, the name nested in itself counts twice
/// ```
#[test]
fn two_children_of_the_same_name_do_not_fold() {
    let trace = sketch(|t| {
        t.op("a", 0..100, |t| {
            t.op("a", 10..40, |_| ());
            t.op("a", 50..60, |_| ());
        })
    });
    let rows = ops(&trace);
    assert_eq!((op(&rows, "a").calls, op(&rows, "a").host_total, op(&rows, "a").host_self), (3, ns(140), ns(100)));
}

/// ```text
/// outer |0 -------- 100|
/// late          |80 ------- 5000|     crosses: pops outer, is kept whole
/// inner            |90 95|            belongs to late
/// ```
#[test]
fn a_straddling_event_is_kept_and_counted() {
    let trace = sketch(|t| {
        t.op("outer", 0..100, |_| ());
        t.op("late", 80..5_000, |_| ());
        t.op("inner", 90..95, |_| ());
    });
    let context = Context::new(&trace);
    assert_eq!((context.forest.straddles.count, context.forest.straddles.longest), (1, ns(4_900)));
    assert_eq!(context.forest.tiny_straddles.count, 0);
    let rows = ops(&trace);
    assert_eq!(op(&rows, "outer").host_self, ns(100));
    assert_eq!(op(&rows, "late").host_self, ns(4_915));
}

/// ```text
/// first |0 -- 50|second |50 -- 90|     a zero-length call at 50 belongs to the later one (R66)
/// ```
#[test]
fn a_zero_length_child_at_a_boundary_belongs_to_the_later_parent() {
    let trace = sketch(|t| {
        t.op("first", 0..50, |_| ());
        t.op("second", 50..90, |_| ());
        t.call("cudaEventQuery", 50..50);
    });
    let context = Context::new(&trace);
    let row_of = |name: &str| (0..trace.host.len()).find(|&row| trace.names.get(trace.host.name(row)) == name);
    let call = row_of("cudaEventQuery").unwrap();
    assert_eq!(context.forest.parent(call), row_of("second"));
}

/// ```text
/// thread 1  op |0 ------------------ 100|
/// thread 2  op2      |30 ---- 60|
/// overhead               |40 50|             in op2: it starts later
/// overhead                            |200 210|   contained by nothing: alone
/// ```
#[test]
fn overhead_joins_the_innermost_event_that_contains_it() {
    let trace = sketch(|t| {
        t.op("op", 0..100, |_| ());
        t.on_thread(2, |t| t.op("op2", 30..60, |_| ()));
        t.overhead("Buffer Flush", 40..50);
        t.overhead("Buffer Flush", 200..210);
    });
    let rows = ops(&trace);
    assert_eq!(op(&rows, "op2").host_self, ns(20));
    assert_eq!(op(&rows, "op").host_self, ns(100));
    assert_eq!((op(&rows, "Buffer Flush").calls, op(&rows, "Buffer Flush").host_total), (2, ns(20)));
}

/// ```text
/// launch |0 5| outside of any op     device: k 10..20      orphan 30..37
/// ```
#[test]
fn device_time_without_op_or_launch_has_rows_of_its_own() {
    let trace = sketch(|t| {
        t.launch("k", 0..5, 10..20);
        t.orphan("lost", 30..37);
    });
    let rows = ops(&trace);
    assert_eq!(device_self(op(&rows, "cudaLaunchKernel")), 10);
    assert_eq!(device_self(op(&rows, ops::NO_LAUNCH)), 7);
}

/// ```text
/// host    |0 ---- step 5 ---- 100|       |150 -- step 6 -- 200|
/// launch     |10 12|                         |160 162|
/// device            k |90 ------------------- 170| k |180 190|
/// steps   |--------------- 5 ----------------170|---6--- 200|
/// ```
#[test]
fn steps_tile_the_time_and_own_what_they_launched() {
    let trace = sketch(|t| {
        t.annotation("ProfilerStep#5", 0..100, |t| t.launch("k", 10..12, 90..170));
        t.annotation("ProfilerStep#6", 150..200, |t| t.launch("k", 160..162, 180..190));
    });
    let context = Context::new(&trace);
    let spans: Vec<_> = context
        .steps
        .steps
        .iter()
        .map(|step| (step.start.nanoseconds(), step.end.nanoseconds(), step.busy.get()))
        .collect();
    assert_eq!(spans, [(0, 170, 80), (170, 200, 10)]);
    assert_eq!(context.steps.steps[0].launches, 1);
    assert_eq!(steps::outside_steps(&trace, &context.steps), Nanoseconds::ZERO);
}

/// ```text
/// steps   |0 ------ 1 ------ 100|100 ------ 2 ------ 200|
/// kernels   |10 40|                  |110 160|
/// ```
#[test]
fn selected_steps_answer_as_if_the_others_were_not_there() {
    let trace = sketch(|t| {
        t.annotation("ProfilerStep#1", 0..100, |t| t.op("a", 0..9, |t| t.launch("k", 2..4, 10..40)));
        t.annotation("ProfilerStep#2", 100..200, |t| t.op("a", 101..109, |t| t.launch("k", 102..104, 110..160)));
    });
    let whole = Context::new(&trace);
    let cut = select::select(&whole, select::StepRange { first: Some(2), last: Some(2) }).unwrap();
    let context = Context::with_steps(&cut.trace, cut.steps);
    let rows = ops::rows(&context, Grouping::Name);
    assert_eq!((op(&rows, "a").calls, device_self(op(&rows, "a"))), (1, 50));
    assert_eq!(context.steps.steps.len(), 1);
    assert!(select::select(&whole, select::StepRange { first: Some(9), last: None }).is_err());
}

/// ```text
/// host    |0 -- 1 -- 40|  |50 -- 2 -- 90|
/// device      k |20 ------------ 60|              launched in 1: its backlog reaches into 2
/// orphan                       |45 55|            starts in step 1's span
/// memory  1,000 live from 5 to 70, +512 at 80
/// ```
#[test]
fn parts_of_a_trace_add_up_and_know_what_was_live_before() {
    let trace = sketch(|t| {
        t.annotation("ProfilerStep#1", 0..40, |t| t.launch("k", 2..4, 20..60));
        t.annotation("ProfilerStep#2", 50..90, |t| t.call("cudaEventQuery", 55..56));
        t.orphan("lost", 45..55);
        t.memory(5, 1, 1, 1_000, 1_000);
        t.memory(70, 1, 1, -1_000, 0);
        t.memory(80, 1, 2, 512, 512);
    });
    let whole = Context::new(&trace);
    let of = |first, last| {
        let cut = select::select(&whole, select::StepRange { first, last }).unwrap();
        let context = Context::with_steps(&cut.trace, cut.steps);
        assert_eq!(steps::outside_steps(&cut.trace, &context.steps), Nanoseconds::ZERO);
        (super::launches::device_time(&cut.trace), memory::rows(&context)[0].peak)
    };
    let (first, second, both) = (of(Some(1), Some(1)), of(Some(2), None), of(None, None));
    assert_eq!((first.0, second.0, both.0), (ns(50), ns(0), ns(50)));
    assert_eq!((first.1, second.1), (Bytes::new(1_000), Bytes::new(1_000)), "live when step 2 begins");
}

/// ```text
/// whole trace |0 ------------------------------------- 100|
/// op             |10 ------------------ 60|
/// launch               |20 30|
/// kernel                      |40 ------------ 80|
/// copy                                     |70 ---- 90|
/// ```
#[test]
fn the_step_partition_gives_each_instant_once() {
    let trace = sketch(|t| {
        t.annotation("ProfilerStep#1", 0..100, |t| {
            t.op("op", 10..60, |t| t.launch("k", 20..30, 40..80));
            t.copy("Memcpy DtoD", 60..60, 70..90);
        });
    });
    let found = step_partition(&Context::new(&trace));
    let time = |role: Role| found.iter().find(|(its, _)| *its == role).unwrap().1.get();
    assert_eq!(time(Role::Kernel), 40);
    assert_eq!(time(Role::Memcpy), 10);
    assert_eq!(time(Role::Runtime), 10);
    assert_eq!(time(Role::CpuExec), 20);
    assert_eq!(time(Role::Idle), 20);
    assert_eq!(found.iter().map(|(_, time)| *time).sum::<Nanoseconds>(), ns(100));
}

/// A step full of kernels: everything behind Kernel is 0, and the sum stays 100 % (a peer restarts and sums to 200 %).
#[test]
fn the_step_partition_stops_when_nothing_remains() {
    let trace =
        sketch(|t| t.annotation("ProfilerStep#1", 0..100, |t| t.op("a", 0..100, |t| t.launch("k", 0..100, 0..100))));
    let rows = categories::rows(&Context::new(&trace));
    let total: Nanoseconds = rows.iter().filter(|row| row.kind == Kind::Step).map(|row| row.time).sum();
    assert_eq!(total, ns(100));
}

/// ```text
/// device  |== 0..10 ==|        gap 10..100         |== 100.. ==|
/// host      op |20 ---- 50|  sync |60 80|  launch |90 95|
/// ```
#[test]
fn a_gap_is_split_by_what_the_launching_thread_did() {
    let trace = sketch(|t| {
        t.launch("k", 0..1, 0..10);
        t.op("busy", 20..50, |_| ());
        t.call("cudaStreamSynchronize", 60..80);
        t.launch("k", 90..95, 100..110);
    });
    let rows = timeline::rows(&Context::new(&trace));
    let causes = rows[0].idle_causes;
    assert_eq!(causes.operator, ns(30));
    assert_eq!(causes.synchronisation, ns(20));
    assert_eq!(causes.outside_op, ns(30));
    assert_eq!(causes.launch_latency, ns(10));
    assert_eq!(causes.named().iter().map(|(_, time)| *time).sum::<Nanoseconds>(), rows[0].idle());
}

/// ```text
/// device  |== 0..50 ==|  gap  |== 60..70 ==|     launched at 20: it was there, so the gap is queueing
/// loader  frame |0 200| of utils/data/dataloader.py
/// ```
#[test]
fn queued_and_data_loading_are_told_apart() {
    let trace = sketch(|t| {
        t.frame("torch/utils/data/dataloader.py(701): __next__", 55..200);
        t.launch("k", 0..1, 0..50);
        t.launch("k", 20..22, 60..70);
        t.launch("k", 150..151, 160..170);
    });
    let causes = timeline::rows(&Context::new(&trace))[0].idle_causes;
    assert_eq!((causes.queued, causes.data_loading, causes.launch_latency), (ns(10), ns(80), ns(10)));
}

/// ```text
/// stream 7   |0 ------ 30|
/// stream 8        |10 ------ 40|     overlapping: sum 60, busy 40
/// ```
#[test]
fn overlapping_events_have_less_busy_time_than_sum() {
    let trace = sketch(|t| {
        t.op("a", 0..5, |t| {
            t.launch("k", 0..1, 0..30);
            t.on_stream(8, |t| t.launch("k", 1..2, 10..40));
        });
    });
    let rows = ops(&trace);
    let time = op(&rows, "a").device_self.value().unwrap();
    assert_eq!((time.sum, time.busy), (ns(60), ns(40)));
    assert_eq!(timeline::rows(&Context::new(&trace))[0].streams.len(), 2);
}

/// ```text
/// op mm   |0 ---------- 50|
/// empty      |10 20|
/// +100 at 15 (addr 1), +50 at 30 (addr 2), -100 at 60; 1,000 were there before
/// ```
#[test]
fn memory_at_the_peak_goes_to_ops_and_the_rest_to_before_recording() {
    let trace = sketch(|t| {
        t.op("mm", 0..50, |t| t.op("aten::empty", 10..20, |_| ()));
        t.memory(15, 1, 1, 100, 1_100);
        t.memory(30, 1, 2, 50, 1_150);
        t.memory(60, 1, 1, -100, 1_050);
    });
    let context = Context::new(&trace);
    let rows = memory::rows(&context);
    assert_eq!((rows[0].peak, rows[0].peak_time.nanoseconds(), rows[0].gaps), (Bytes::new(1_150), 30, 0));
    assert_eq!(rows[0].before_recording, Bytes::new(1_000));
    assert_eq!(rows[0].live.iter().find(|live| live.op.raw() == "mm").map(|live| live.bytes), Some(Bytes::new(150)));
    let ops = ops::rows(&context, Grouping::Name);
    // A recording of the host alone, but with the device's allocator in it.
    assert_eq!(op(&ops, "mm").device_bytes.value(), Some([Bytes::new(150), Bytes::new(50)]));
    assert_eq!(memory::NetBytes::of(&trace).unwrap().during(0), [Bytes::ZERO, Bytes::new(150)]);
}
