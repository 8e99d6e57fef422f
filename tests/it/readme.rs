//! The README's key table is the command table's.

#[test]
fn the_key_table_is_the_command_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- keys: written by the test `readme` -->\n", "<!-- /keys -->");
    let (before, rest) = readme.split_once(begin).expect("the README marks where the keys begin");
    let (table, after) = rest.split_once(end).expect("the README marks where the keys end");
    let wanted = fleetdeck::tui::key_table_markdown();
    if table != wanted && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(table, wanted, "run the tests with UPDATE_GOLDEN=1 to write the table anew");
}
