//! Who is which rank. A claim is drawn as `(file, rank, world size)`.

use super::*;

type Drawn = (&'static str, Option<i64>, Option<i64>);

fn settled(company: impl Fn(usize) -> Company, drawn: &[Drawn]) -> Vec<Place> {
    let claims: Vec<Claim> = drawn
        .iter()
        .enumerate()
        .map(|(index, &(path, rank, world_size))| Claim {
            company: company(index),
            path: Path::new(path),
            rank,
            world_size,
        })
        .collect();
    places(&claims)
}

fn typed(drawn: &[Drawn]) -> Vec<Place> {
    settled(|_| Company::Typed, drawn)
}

fn in_a_folder(drawn: &[Drawn]) -> Vec<Place> {
    settled(|_| Company::Run(0), drawn)
}

fn ranks(places: &[Place]) -> Vec<Option<i64>> {
    places.iter().map(|place| place.rank).collect()
}

fn codes(places: &[Place]) -> Vec<Vec<&'static str>> {
    places.iter().map(|place| place.findings.iter().map(|finding| finding.code.text()).collect()).collect()
}

fn used(places: &[Place]) -> Vec<bool> {
    places.iter().map(|place| place.is_used).collect()
}

#[test]
fn a_recorded_rank_wins_over_a_name() {
    let places = typed(&[("rank7.json", Some(0), Some(2)), ("b_rank-1.json", None, None)]);
    assert_eq!(ranks(&places), [Some(0), Some(1)]);
    assert_eq!(codes(&places), [vec![], vec!["N-RANK-FROM-NAME"]]);
}

#[test]
fn a_trace_without_rank_is_nothing_special_alone_or_among_strangers() {
    for drawn in [
        &[("t.json", None, None)][..],
        &[("a.json", None, None), ("b.json", None, None)],
        // More files than ranks; several world sizes; one that says it ran alone.
        &[("a.json", Some(0), Some(2)), ("b.json", Some(1), Some(2)), ("c.json", None, None)],
        &[("a.json", Some(0), Some(2)), ("b.json", None, None), ("c.json", Some(0), Some(4))],
        &[("a.json", Some(0), Some(1)), ("b.json", None, None)],
    ] {
        let places = typed(drawn);
        for (place, claim) in places.iter().zip(drawn) {
            assert_eq!(place.rank, claim.1);
            assert!(place.findings.iter().all(|finding| finding.code == Code::RanksMissing), "{place:?}");
        }
    }
}

#[test]
fn ranks_that_are_missing_follow_the_order() {
    let places = typed(&[("a.json", None, Some(3)), ("b.json", Some(0), Some(3)), ("c.json", None, None)]);
    assert_eq!(ranks(&places), [Some(1), Some(0), Some(2)]);
    assert_eq!(codes(&places), [vec!["W-RANK-MISSING"], vec![], vec!["W-RANK-MISSING"]]);
    assert_eq!(ranks(&typed(&[("a.json", Some(1), None), ("b.json", None, None)])), [Some(1), Some(0)]);
}

#[test]
fn one_rank_in_two_typed_files_is_said() {
    let places = typed(&[("x/a.json", Some(1), Some(2)), ("b.json", Some(0), Some(2)), ("y/a.json", Some(1), Some(2))]);
    assert_eq!(codes(&places), [vec![], vec![], vec!["W-RANK-DUP"]]);
    assert_eq!(places[2].findings[0].message.raw(), "rank 1 is in x/a.json too: both are kept, apart");
    assert_eq!(used(&places), [true; 3]);
    // Single processes have rank 0 each, and a name alone proves nothing.
    let places = typed(&[("a.json", Some(0), Some(1)), ("b.json", Some(0), Some(1)), ("c.json", Some(0), None)]);
    assert!(codes(&places).iter().all(Vec::is_empty));
    let places = typed(&[("x/rank0.json", None, None), ("y/rank0.json", None, None)]);
    assert_eq!(codes(&places), [vec!["N-RANK-FROM-NAME"], vec!["N-RANK-FROM-NAME"]]);
}

#[test]
fn of_several_recordings_of_a_rank_in_a_folder_the_latest_is_used() {
    let places = in_a_folder(&[
        ("r/w.1700000000000000009.pt.trace.json", Some(0), Some(2)),
        ("r/w.1700000000000000010.pt.trace.json.gz", Some(0), Some(2)),
        ("r/v.1700000000000000001.pt.trace.json", Some(1), Some(2)),
    ]);
    assert_eq!(used(&places), [false, true, true]);
    assert_eq!(codes(&places), [vec![], vec!["N-TRACE-NOT-USED"], vec![]]);
    let message = places[1].findings[0].message.raw();
    assert_eq!(message, "the latest recording of rank 0 is used, not w.1700000000000000009.pt.trace.json");
}

#[test]
fn recordings_without_a_rank_are_of_one_process() {
    let places = in_a_folder(&[
        ("a.json", None, None),
        ("b.json", None, None),
        ("c.json", None, None),
        ("d.json", None, None),
        ("e.json", None, None),
    ]);
    assert_eq!(used(&places), [false, false, false, false, true]);
    assert_eq!(places[4].findings[0].count, 4);
    assert_eq!(
        places[4].findings[0].message.raw(),
        "the latest recording is used, not a.json, b.json, c.json and 1 more"
    );
}

#[test]
fn missing_ranks_are_counted_once_for_each_run() {
    let places = typed(&[("a.json", Some(0), Some(128)), ("b.json", Some(1), Some(128)), ("c.json", Some(0), Some(2))]);
    assert_eq!(codes(&places), [vec!["N-RANKS-MISSING"], vec![], vec!["N-RANKS-MISSING"]]);
    assert_eq!(places[0].findings[0].message.raw(), "2 of 128 ranks given");
    assert_eq!(places[0].findings[0].count, 126);
    let alone = settled(|_| Company::Alone, &[("a.json", Some(0), Some(2)), ("b.json", Some(1), Some(2))]);
    assert_eq!(codes(&alone), [vec!["N-RANKS-MISSING"], vec!["N-RANKS-MISSING"]]);
}

#[test]
fn impossible_numbers_do_no_harm() {
    let places = typed(&[("a.json", Some(i64::MIN), Some(i64::MAX)), ("b.json", None, None)]);
    assert_eq!(ranks(&places), [Some(i64::MIN), Some(0)]);
    assert_eq!(ranks(&typed(&[("a.json", Some(3), Some(-5)), ("b.json", None, None)])), [Some(3), None]);
}
