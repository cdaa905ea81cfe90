//! What was taken out of the drop folder when the server died has entered once, and what its writer was
//! told is there has its name on the disk.
//!
//! What never happens here: the work; it is in `safety::dropped`.

#[test]
fn nothing_in_the_drop_folder_enters_twice_or_is_lost_when_the_server_dies() {
    safety::dropped::run();
}

#[test]
fn a_file_in_the_drop_folder_is_synced_with_its_name_before_it_counts() {
    safety::dropped::is_synced_by_its_writer();
}
