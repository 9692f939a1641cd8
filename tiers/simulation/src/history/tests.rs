use super::*;

/// A history, one call a line: `called..returned call -> answer`, with `-` for a call that never returned.
fn history(text: &str) -> Vec<Event> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.enumerate().map(|(client, line)| event(client as u32, line)).collect()
}

fn event(client: u32, line: &str) -> Event {
    let (asked, answer) = line.split_once(" -> ").unwrap();
    let mut words = asked.split(' ');
    let (called, returned) = words.next().unwrap().split_once("..").unwrap();
    let name = words.next().unwrap();
    let body = (name == "write").then(|| BodyId(words.next().unwrap().parse().unwrap()));
    let condition = match words.next() {
        None => Condition::None,
        Some("absent") => Condition::Absent,
        Some(etag) => Condition::Is(etag.into()),
    };
    let call = match name {
        "write" => Call::Write { body: body.unwrap(), condition },
        "touch" => Call::Touch { condition },
        "delete" => Call::Delete { condition },
        "get" => Call::Get,
        "look" => Call::Look,
        other => panic!("{other}"),
    };
    let mut words = answer.split(' ');
    let answer = match (words.next().unwrap(), words.next()) {
        ("written", Some(etag)) => Answer::Written(etag.into()),
        ("found", Some(etag)) => {
            let body = words.next().map(|body| BodyId(body.parse().unwrap()));
            Answer::Found { etag: etag.into(), body }
        }
        ("deleted", None) => Answer::Deleted,
        ("absent", None) => Answer::Absent,
        ("refused", None) => Answer::Refused,
        ("notdone", None) => Answer::NotDone,
        ("unknown", None) => Answer::Unknown,
        other => panic!("{other:?}"),
    };
    let returned = (returned != "-").then(|| returned.parse().unwrap());
    Event { client, object: "b/k".into(), called: called.parse().unwrap(), returned, call, answer }
}

#[track_caller]
fn accepted(text: &str) {
    if let Err(violation) = check(&history(text)) {
        panic!("{violation}");
    }
}

#[track_caller]
fn rejected(what: What, text: &str) {
    assert_eq!(check(&history(text)).expect_err("the history is bad").what, what, "{text}");
}

#[test]
fn a_stale_read_after_an_acknowledged_overwrite_is_rejected() {
    rejected(
        What::NoOrder,
        "1..2 write 1 -> written a
         3..4 write 2 -> written b
         5..6 get -> found a 1",
    );
}

#[test]
fn two_readers_that_see_two_concurrent_writes_in_opposite_order_are_rejected() {
    rejected(
        What::NoOrder,
        "1..20 write 1 -> written a
         2..21 write 2 -> written b
         3..4 get -> found a 1
         5..6 get -> found b 2
         7..8 look -> found a",
    );
}

#[test]
fn a_lost_acknowledged_write_is_rejected() {
    rejected(What::NoOrder, "1..2 write 1 -> written a\n3..4 get -> absent");
    rejected(What::NoOrder, "1..2 write 1 -> written a\n3..4 write 2 -> unknown\n5..6 look -> absent");
}

#[test]
fn two_winners_of_if_none_match_are_rejected() {
    rejected(What::NoOrder, "1..10 write 1 absent -> written a\n2..11 write 2 absent -> written b");
    accepted("1..10 write 1 absent -> written a\n2..11 write 2 absent -> written b\n3..9 delete -> deleted");
}

#[test]
fn two_winners_of_one_if_match_are_rejected() {
    rejected(
        What::NoOrder,
        "1..2 write 1 -> written a
         3..10 write 2 a -> written b
         4..11 delete a -> deleted",
    );
}

#[test]
fn a_deleted_object_that_comes_back_is_rejected() {
    rejected(
        What::NoOrder,
        "1..2 write 1 -> written a
         3..4 delete -> deleted
         5..6 look -> absent
         7..8 get -> found a 1",
    );
}

#[test]
fn a_write_that_was_seen_and_gone_does_not_land_again() {
    rejected(
        What::NoOrder,
        "1..2 write 1 -> unknown
         3..4 get -> found a 1
         5..6 delete -> deleted
         7..8 get -> found a 1",
    );
}

#[test]
fn a_write_that_was_not_done_and_is_seen_is_rejected() {
    rejected(
        What::FromNowhere("a".into(), Some(BodyId(1))),
        "1..2 write 1 -> notdone\n3..4 get -> found a 1",
    );
    rejected(What::FromNowhere("a".into(), None), "1..2 write 1 -> notdone\n3..4 look -> found a");
    rejected(What::NoOrder, "1..2 write 1 -> written a\n3..4 delete -> notdone\n5..6 look -> absent");
}

#[test]
fn body_and_etag_of_different_revisions_are_rejected() {
    rejected(
        What::TwoBodies("b".into(), BodyId(2), BodyId(1)),
        "1..2 write 1 -> written a\n3..10 write 2 -> written b\n4..5 get -> found b 1",
    );
    rejected(
        What::TwoBodies("a".into(), BodyId(1), BodyId(2)),
        "1..2 write 1 -> unknown\n3..4 write 2 -> unknown\n5..6 get -> found a 1\n7..8 get -> found a 2",
    );
    rejected(
        What::FromNowhere("b".into(), None),
        "1..2 write 1 -> unknown\n5..6 get -> found a 1\n7..8 get -> found b 1",
    );
}

#[test]
fn one_etag_for_two_writes_is_rejected_even_of_two_objects() {
    let mut events = history("1..2 write 1 -> written a\n3..4 write 2 -> written a");
    assert_eq!(check(&events).unwrap_err().what, What::SameETag("a".into()));
    events[1].object = "b/l".into();
    assert_eq!(check(&events).unwrap_err().what, What::SameETag("a".into()));
}

#[test]
fn a_refusal_whose_condition_held_all_the_time_is_rejected() {
    rejected(What::NoOrder, "1..2 write 1 absent -> refused");
    rejected(What::NoOrder, "1..2 write 1 -> written a\n3..4 write 2 a -> refused");
    rejected(What::NoOrder, "1..2 write 1 -> written a\n3..4 delete a -> absent");
    accepted("1..2 write 1 -> written a\n3..4 write 2 x -> refused\n5..6 write 3 absent -> refused");
    accepted("1..2 write 2 x -> absent\n3..4 delete x -> absent");
}

#[test]
fn an_answer_that_is_none_to_its_call_is_rejected() {
    for line in [
        "1..2 get -> written a",
        "1..2 write 1 -> refused",
        "1..2 delete -> absent",
        "1..2 touch a -> written b",
    ] {
        let what = check(&history(line)).unwrap_err().what;
        assert!(matches!(what, What::Nonsense(_)), "{line}: {what}");
    }
}

#[test]
fn an_unknown_write_may_be_seen_late() {
    accepted(
        "1..2 write 1 -> written a
         3..4 write 2 -> unknown
         5..6 get -> found a 1
         7..8 write 3 -> written c
         9..10 look -> found c
         11..12 get -> found b 2",
    );
    accepted("1..- write 1 -> unknown\n3..4 get -> absent\n5..6 look -> found a\n7..8 get -> found a 1");
}

#[test]
fn an_unknown_write_does_not_come_before_its_start() {
    rejected(What::NoOrder, "1..2 get -> found a 1\n3..4 write 1 -> unknown");
}

#[test]
fn an_unknown_delete_may_be_seen_late_and_once() {
    accepted(
        "1..2 write 1 -> written a
         3..4 delete -> unknown
         5..6 get -> found a 1
         7..8 write 2 -> written b
         9..10 get -> absent",
    );
    rejected(
        What::NoOrder,
        "1..2 write 1 -> written a
         3..4 delete -> unknown
         5..6 get -> absent
         7..8 write 2 -> written b
         9..10 get -> absent",
    );
}

#[test]
fn concurrent_writes_may_come_in_either_order() {
    for last in ["found a 1", "found b 2"] {
        accepted(&format!("1..10 write 1 -> written a\n2..9 write 2 -> written b\n11..12 get -> {last}"));
    }
}

#[test]
fn unknown_calls_may_hang_on_one_another() {
    // The delete needs the first unknown write, the second unknown write needs the delete.
    accepted(
        "1..2 write 1 -> unknown
         3..4 delete a -> unknown
         5..6 write 2 absent -> unknown
         7..8 touch a -> written a
         9..10 get -> found b 2
         11..12 write 3 absent -> refused",
    );
    rejected(
        What::NoOrder,
        "1..2 write 1 -> unknown
         5..6 write 2 absent -> unknown
         7..8 touch a -> written a
         9..10 get -> found b 2",
    );
}

#[test]
fn a_touch_keeps_body_and_etag() {
    accepted("1..2 write 1 -> written a\n3..4 touch -> written a\n5..6 get -> found a 1");
    accepted("1..2 touch -> absent\n3..4 touch absent -> unknown\n5..6 get -> absent");
    rejected(What::NoOrder, "1..2 write 1 -> written a\n3..4 write 2 -> written b\n5..6 touch -> written a");
}

#[test]
fn a_search_at_its_bound_is_not_taken_for_a_pass() {
    let text: String = (0..12).map(|n| format!("{n}..{} write {n} -> written e{n}\n", 100 + n)).collect();
    let bad = format!("{text}200..201 get -> absent\n202..203 touch -> absent");
    assert_eq!(check_within(&history(&bad), 100).unwrap_err().what, What::Undecided);
    assert_eq!(check(&history(&bad)).unwrap_err().what, What::NoOrder);
}

#[test]
fn a_violation_shows_the_history_and_how_far_an_order_went() {
    let violation =
        check(&history("1..2 write 1 -> written a\n3..- delete -> unknown\n5..6 get -> found b 7"));
    let text = violation.unwrap_err().to_string();
    assert!(text.contains("etag b was seen with body 7, and no write can have made that"), "{text}");
    assert!(text.contains("3 ..  never  client 1   delete -> unknown"), "{text}");
    let violation = check(&history("1..2 write 1 -> written a\n3..4 get -> absent")).unwrap_err();
    let text = violation.to_string();
    assert!(text.contains("leaves etag a\n+ "), "{text}");
}
