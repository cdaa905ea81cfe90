//! What was taken out of the drop folder when the server died has entered once.
//!
//! What never happens here: the work; it is in `safety::dropped`.

#[test]
fn nothing_in_the_drop_folder_enters_twice_or_is_lost_when_the_server_dies() {
    safety::dropped::run();
}
