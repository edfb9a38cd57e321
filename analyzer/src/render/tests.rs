//! What every format makes of the same nasty table.

use super::sample::{self, NASTY};
use super::*;
use crate::table::Cell;

fn printed(format: Format, table: &Table, top: Option<usize>) -> String {
    let inputs = [sample::truncated()];
    let printed = Printed { command: table.command, inputs: &inputs, table, top, with_input: false };
    let mut out = Vec::new();
    print(format, &printed, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn rendered(report: &Report) -> MemoryFolder {
    let mut folder = MemoryFolder::default();
    super::report(report, &mut folder).unwrap();
    folder
}

fn text(folder: &MemoryFolder, name: &str) -> String {
    String::from_utf8(folder.files[name].clone()).unwrap()
}

#[test]
fn the_terminal_table_is_clean() {
    assert_eq!(
        printed(Format::Table, &sample::table(NASTY), None),
        r#"name !                             calls !  device self !  device self share !  host self bytes !
───────────────────────────────────────────────────────────────────────────────────────────────────
a|b                                  1,234      12.118 ms               12.3 %                  -
<script>alert(1)</script>            1,233      12.118 ms               12.3 %                  -
\u{1b}[31mred\u{1b}[0m               1,232      12.118 ms               12.3 %                  -
two\nlines                           1,231      12.118 ms               12.3 %                  -
=HYPERLINK("http://evil.example")    1,230      12.118 ms               12.3 %                  -
abc\u{202e}fed                       1,229      12.118 ms               12.3 %                  -
nul\u{0}                             1,228      12.118 ms               12.3 %                  -
"#
    );
}

#[test]
fn a_summary_stands_on_its_side() {
    let mut table = sample::table(&["a|b", "\u{1b}[2J"]);
    table.command = "summary";
    table.headings[5].shown = true;
    assert_eq!(
        printed(Format::Table, &table, None),
        r#"name !               a|b               \u{1b}[2J
calls !              1,234             1,233
device self !        12.118 ms         12.118 ms
device self share !  12.3 %            12.3 %
host self bytes !    -                 -
streams !            stream 7, busy -  stream 7, busy -
"#
    );
}

#[test]
fn a_markdown_table_cannot_be_broken() {
    assert_eq!(
        printed(Format::Md, &sample::table(NASTY), Some(3)),
        r#"| name ⚠ | calls ⚠ | device self ⚠ | device self share ⚠ | host self bytes ⚠ |
| --- | ---: | ---: | ---: | ---: |
| a\|b | 1,234 | 12.118 ms | 12.3 % | - |
| &lt;script&gt;alert(1)&lt;/script&gt; | 1,233 | 12.118 ms | 12.3 % | - |
| \\u{1b}\[31mred\\u{1b}\[0m | 1,232 | 12.118 ms | 12.3 % | - |

⚠ touched by W-TRUNCATED

`-` not recorded (profile_memory was off): host self bytes
"#
    );
}

#[test]
fn markdown_says_which_input_is_which() {
    let inputs = [sample::input("<i>.json", Vec::new()), sample::input("b.json", Vec::new())];
    let table = sample::table(&[]);
    let printed = Printed { command: "ops", inputs: &inputs, table: &table, top: None, with_input: true };
    let mut out = Vec::new();
    print(Format::Md, &printed, &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().ends_with("\n\n- input 0: &lt;i&gt;.json\n- input 1: b.json\n"));
}

#[test]
fn csv_has_every_row_and_no_formula() {
    assert_eq!(
        printed(Format::Csv, &sample::table(NASTY), Some(1)),
        r#"name,calls,device_self_ns,device_self_share,host_self_bytes,streams
a|b,1234,12118000,0.123,,"[{""stream"":7,""busy_ns"":null}]"
<script>alert(1)</script>,1233,12118000,0.123,,"[{""stream"":7,""busy_ns"":null}]"
\u{1b}[31mred\u{1b}[0m,1232,12118000,0.123,,"[{""stream"":7,""busy_ns"":null}]"
two\nlines,1231,12118000,0.123,,"[{""stream"":7,""busy_ns"":null}]"
"'=HYPERLINK(""http://evil.example"")",1230,12118000,0.123,,"[{""stream"":7,""busy_ns"":null}]"
abc\u{202e}fed,1229,12118000,0.123,,"[{""stream"":7,""busy_ns"":null}]"
nul\u{0},1228,12118000,0.123,,"[{""stream"":7,""busy_ns"":null}]"
"#
    );
}

#[test]
fn the_envelope_is_the_contract_s() {
    let mut table = sample::table(&["a|b", "\u{1b}\u{202e}\0"]);
    table.aside = Some(("summary", Cell::Record(vec![("cv", Cell::Decimal(0.1))])));
    assert_eq!(
        printed(Format::Json, &table, Some(1)),
        r#"{
  "schema_version": 1,
  "command": "ops",
  "inputs": [
    {"path": "a|b.json", "bytes": 2048, "events_kept": 1000, "events_skipped": 1, "start_unix_ns": "1784000000123456789", "verdict": "degraded"}
  ],
  "audit": {
    "verdict": "degraded",
    "findings": [
      {"input": 0, "code": "W-TRUNCATED", "count": 1, "message": "input ends inside event 48,213"},
      {"input": 0, "code": "N-NO-MEMORY", "count": 1, "message": "memory was not recorded"}
    ]
  },
  "rows": [
    {"name": "a|b", "calls": 1234, "device_self_ns": 12118000, "device_self_share": 0.123, "host_self_bytes": null, "streams": [{"stream": 7, "busy_ns": null}]},
    {"name": "\u001b\u202e\u0000", "calls": 1233, "device_self_ns": 12118000, "device_self_share": 0.123, "host_self_bytes": null, "streams": [{"stream": 7, "busy_ns": null}]}
  ],
  "summary": {"cv": 0.1}
}
"#
    );
}

#[test]
fn names_survive_json_and_nothing_unseen_is_printed() {
    let long = "x".repeat(5_000);
    let names: Vec<&str> = NASTY.iter().copied().chain([long.as_str(), "\u{9b}31m", "\u{e0041}"]).collect();
    let table = sample::table(&names);
    let json = printed(Format::Json, &table, None);
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    for (index, name) in names.iter().enumerate() {
        assert_eq!(parsed["rows"][index]["name"], **name);
    }
    for format in Format::ALL {
        let text = printed(*format, &table, None);
        let unseen = text.chars().find(|character| *character != '\n' && escape::is_unseen(*character));
        assert_eq!(unseen, None, "{}", format.name());
    }
    let longest = |format| printed(format, &table, None).lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest(Format::Table) < 130 && longest(Format::Md) < 130);
}

#[test]
fn a_table_without_columns_or_rows_is_still_valid() {
    let nothing = Table { command: "ops", headings: Vec::new(), rows: Vec::new(), aside: None, note: None };
    let parsed: serde_json::Value = serde_json::from_str(&printed(Format::Json, &nothing, None)).unwrap();
    assert_eq!(parsed["rows"], serde_json::json!([]));
    assert_eq!(printed(Format::Table, &nothing, None), "");
    assert_eq!(printed(Format::Csv, &nothing, None), "");
    assert_eq!(printed(Format::Csv, &sample::table(&[]), None).lines().count(), 1);
    assert_eq!(printed(Format::Table, &sample::table(&[]), None).lines().count(), 2);
}

#[test]
fn a_mark_comes_from_the_inputs_that_the_table_speaks_of() {
    let inputs = [sample::truncated(), sample::input("fine.json", Vec::new())];
    let mut table = sample::table(&["conv"]);
    table
        .headings
        .insert(0, crate::table::Heading { key: "input", unit: crate::table::Unit::Count, shown: true, says: "" });
    for (input, marked) in [(0, true), (1, false)] {
        table.rows[0].insert(0, Cell::Whole(input));
        let printed = Printed { command: "ops", inputs: &inputs, table: &table, top: None, with_input: false };
        let mut out = Vec::new();
        print(Format::Md, &printed, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().contains('⚠'), marked);
        table.rows[0].remove(0);
    }
}

#[test]
fn report_md_is_for_readers() {
    let folder = rendered(&sample::report());
    let names: Vec<&str> = folder.files.keys().map(String::as_str).collect();
    assert_eq!(names, ["charts/unet_categories.png", "report.json", "report.md", "tables/ops.csv"]);
    assert_eq!(
        text(&folder, "report.md"),
        r#"# Profile of &lt;UNet&gt;

## Operators of unet_cuda

| input | path | run | rank | size | events kept | events skipped | verdict |
| ---: | --- | --- | ---: | ---: | ---: | ---: | --- |
| 0 | a\|b.json | - | - | 2.00 KiB | 1,000 | 1 | degraded |

- input 0: **W-TRUNCATED** input ends inside event 48,213

12.118 ms on the device, &lt;0.1 % idle, 2.5x

- 1,234 calls

**By name** (1 of 7 rows)

| name ⚠ | calls ⚠ | device self ⚠ | device self share ⚠ | host self bytes ⚠ |
| --- | ---: | ---: | ---: | ---: |
| a\|b | 1,234 | 12.118 ms | 12.3 % | - |

⚠ touched by W-TRUNCATED

`-` not recorded (profile_memory was off): host self bytes

<details>
<summary>Definitions</summary>

- **name**: The operator's name; ProfilerStep\* is one row.
- **device self**: Time of its own kernels.

</details>

![UNet \[CUDA\]](charts/unet_categories.png)

Device time of &lt;b&gt;
"#
    );
}

#[test]
fn report_json_has_tables_files_and_checksums() {
    let mut report = sample::report();
    report.inputs[0].sha256 = Some("ab12".to_owned());
    let json = text(&rendered(&report), "report.json");
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed["command"], "report");
    assert_eq!(parsed["inputs"][0]["sha256"], "ab12");
    assert_eq!(parsed["tables"]["ops"].as_array().unwrap().len(), NASTY.len());
    assert_eq!(parsed["files"][1], "report.json");
    let members = ["\"schema_version\"", "\"command\"", "\"inputs\"", "\"audit\"", "\"tables\"", "\"files\""];
    let places: Vec<_> = members.iter().map(|member| json.find(&format!("\n  {member}")).unwrap()).collect();
    assert!(places.is_sorted());
}

#[test]
fn two_parts_of_one_name_are_refused_before_anything_is_written() {
    let mut report = sample::report();
    report.tables.push(report.tables[0].clone());
    let mut folder = MemoryFolder::default();
    let error = super::report(&report, &mut folder).unwrap_err();
    assert_eq!(error.to_string(), "two parts of the report are named tables/ops.csv; give one of them another name");
    assert!(folder.files.is_empty());
}

#[test]
fn a_figure_cannot_choose_its_folder() {
    let mut report = sample::report();
    let Some(Block::Figure(figure)) = report.sections[0].blocks.last_mut() else { panic!("the figure stands last") };
    figure.file = "../Up".to_owned();
    let folder = rendered(&report);
    assert!(folder.files.contains_key("charts/___up.png"));
    assert!(text(&folder, "report.md").contains("(charts/___up.png)"));
}
