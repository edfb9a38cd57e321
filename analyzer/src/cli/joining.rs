//! The tables of several inputs as one: every row says whose it is.

use crate::report::model::InputFacts;
use crate::table::{Cell, Heading, Recorded, Table, Unit, Why};

/// The key of the column that says which input a row is of.
pub(super) const INPUT: &str = "input";

/// What stands in front of the other columns where there are several inputs.
const OWNER: [Heading; 2] = [
    Heading {
        key: INPUT,
        unit: Unit::Count,
        shown: true,
        says: "which input the row is of, counted from 0 in the order given",
    },
    Heading { key: "rank", unit: Unit::Count, shown: true, says: "the input's rank: recorded, else by its name" },
];

/// The rows of all inputs, one input after the other; `tables` are those of `facts`, in the same order.
pub(super) fn joined(
    command: &'static str,
    headings: Vec<Heading>,
    facts: &[InputFacts],
    tables: impl IntoIterator<Item = Option<Table>>,
) -> Table {
    let mut joined = Table { command, headings, rows: Vec::new(), aside: None, note: None };
    let is_one = facts.len() < 2;
    let mut asides = Vec::new();
    for ((index, facts), table) in (0..).zip(facts).zip(tables) {
        let Some(table) = table else { continue };
        if is_one {
            return table;
        }
        joined.note = joined.note.or(table.note);
        let owner: [Cell; 2] = [Cell::Whole(index), Recorded::from_option(facts.rank, Why::NotInTrace).into()];
        joined.rows.extend(table.rows.into_iter().map(|row| owner.iter().cloned().chain(row).collect()));
        asides.extend(table.aside.map(|(key, aside)| (key, owned(index, aside))));
    }
    if !is_one {
        joined.headings.splice(0..0, OWNER);
    }
    joined.aside = asides.first().map(|(key, _)| *key).map(|key| {
        let all = asides.into_iter().map(|(_, aside)| aside);
        (key, Cell::List(all.collect()))
    });
    joined
}

/// What stands beside the rows of one input, with its index in front.
fn owned(index: i64, aside: Cell) -> Cell {
    match aside {
        Cell::Record(fields) => Cell::Record(std::iter::once((INPUT, Cell::Whole(index))).chain(fields).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(rank: Option<i64>) -> InputFacts {
        InputFacts { rank, ..InputFacts::unread("t.json".into(), None) }
    }

    fn table(calls: i64) -> Table {
        let aside = Some(("summary", Cell::Record(vec![("mean_ns", Cell::Whole(calls))])));
        Table { command: "steps", headings: headings(), rows: vec![vec![Cell::Whole(calls)]], aside, note: None }
    }

    fn headings() -> Vec<Heading> {
        vec![Heading { key: "calls", unit: Unit::Count, shown: true, says: "" }]
    }

    #[test]
    fn a_single_table_stays_as_it_is() {
        assert_eq!(joined("steps", headings(), &[facts(Some(1))], [Some(table(7))]), table(7));
        assert!(joined("steps", headings(), &[facts(None)], [None]).rows.is_empty());
    }

    #[test]
    fn rows_of_several_say_whose_they_are() {
        let inputs = [facts(Some(4)), facts(None), facts(None)];
        let joined = joined("steps", headings(), &inputs, [Some(table(7)), None, Some(table(9))]);
        let keys: Vec<String> = joined.headings.iter().map(Heading::wire_key).collect();
        assert_eq!(keys, ["input", "rank", "calls"]);
        let absent = Cell::Absent(Why::NotInTrace);
        assert_eq!(joined.rows[0], [Cell::Whole(0), Cell::Whole(4), Cell::Whole(7)]);
        assert_eq!(joined.rows[1], [Cell::Whole(2), absent, Cell::Whole(9)]);
        let aside = |index, mean| Cell::Record(vec![(INPUT, Cell::Whole(index)), ("mean_ns", Cell::Whole(mean))]);
        assert_eq!(joined.aside, Some(("summary", Cell::List(vec![aside(0, 7), aside(2, 9)]))));
    }
}
