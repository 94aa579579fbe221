//! The code lengths of docs/format.md section 2.6 are what the example `tables` computes.

#[path = "../examples/tables.rs"]
mod tables;

use tables::{MODELS, SYMBOLS, cost, lengths};

/// The lengths as they stand in the table of section 2.6.
fn documented() -> Vec<[usize; SYMBOLS]> {
    let page = include_str!("../../../docs/format.md");
    let (_, section) = page.split_once("### 2.6").expect("there is a section 2.6");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let numbers = rows.map(|(_, cell)| cell.trim_end_matches(" |").split(' ').filter_map(|length| length.parse().ok()));
    numbers.filter_map(|lengths| lengths.collect::<Vec<usize>>().try_into().ok()).collect()
}

#[test]
fn documented_lengths_are_the_optimal_ones() {
    let documented = documented();
    assert_eq!(documented.len(), MODELS.len());
    for (table, (model, documented)) in MODELS.iter().zip(&documented).enumerate() {
        let weights = model.weights();
        let optimal = lengths(&weights);
        let excess = cost(&weights, documented) - cost(&weights, &optimal);
        assert!(excess.abs() < 1e-9, "table {table}: {excess} bits a symbol more than {optimal:?}");
        // Where two symbols are equally likely, which of them gets the shorter code was settled by rounding, in tables 0 and 1.
        assert!(table < 2 || optimal == *documented, "table {table}: {documented:?} is not {optimal:?}");
    }
}
