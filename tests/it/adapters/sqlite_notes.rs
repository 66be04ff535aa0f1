//! Notes on a real database: saved through a turn, found by name and by words.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::adapters::sqlite::SqliteNoteStore;
use minibot::core::change::{Change, ChangeOutcome, Deleted};
use minibot::core::ids::{ChannelName, NoteId, UserId};
use minibot::core::label::{Labels, Source};
use minibot::core::notes::{
    NewNote, Note, NoteOwner, NotePage, NoteSearch, NoteSelector, NoteStore,
};
use proptest::prelude::*;
use serde_json::json;

use super::sqlite_changes::Changes;
use super::sqlite_fixture::at;

struct World {
    changes: Changes,
    notes: SqliteNoteStore,
}

impl World {
    async fn new() -> Self {
        let changes = Changes::new().await;
        Self {
            notes: SqliteNoteStore::new(changes.fixture.database.clone()),
            changes,
        }
    }

    async fn save(&self, note: NewNote) -> Note {
        let now = note.saved_at;
        match self.changes.apply(Change::SaveNote(note), now).await {
            ChangeOutcome::Note(note) => *note,
            other => panic!("{other:?}"),
        }
    }

    async fn delete(&self, selector: NoteSelector, minute: i64) -> ChangeOutcome {
        self.changes
            .apply(
                Change::DeleteNote {
                    owner: owner("42"),
                    selector,
                },
                at(minute),
            )
            .await
    }

    async fn search(&self, query: &str) -> NotePage {
        self.notes.search(search(Some(query))).await.unwrap()
    }

    async fn found(&self, query: &str) -> Vec<String> {
        self.search(query)
            .await
            .notes
            .into_iter()
            .map(|note| note.title)
            .collect()
    }

    async fn by_title(&self, title: &str, minute: i64) -> Option<Note> {
        let selector = NoteSelector::Title(title.into());
        self.notes
            .get(&owner("42"), &selector, at(minute))
            .await
            .unwrap()
    }
}

fn owner(user: &str) -> NoteOwner {
    NoteOwner::Person {
        channel: ChannelName::new("telegram"),
        user: UserId::new(user),
    }
}

fn note(title: &str, data: &str) -> NewNote {
    NewNote {
        owner: owner("42"),
        title: title.into(),
        data: data.into(),
        metadata: None,
        source: None,
        expires_at: None,
        saved_at: at(0),
        labels: Labels::default(),
    }
}

fn search(query: Option<&str>) -> NoteSearch {
    let query = query.map(str::to_owned);
    NoteSearch {
        owner: owner("42"),
        query,
        limit: 10,
        offset: 0,
        now: at(0),
    }
}

#[tokio::test]
async fn a_note_of_the_same_title_is_updated() {
    let world = World::new().await;
    let metadata = Some(json!({"k": [1]}));
    let first = world
        .save(NewNote {
            metadata: metadata.clone(),
            ..note("Wi-Fi", "one")
        })
        .await;
    assert_eq!(
        (first.id, first.metadata, first.created_at),
        (NoteId(1), metadata, at(0))
    );
    let again = NewNote {
        saved_at: at(5),
        source: Some("chat".into()),
        labels: Labels::of(Source::Many),
        ..note("wi-fi", "two")
    };
    let second = world.save(again).await;
    let expected = Note {
        id: NoteId(1),
        title: "wi-fi".into(),
        data: "two".into(),
        metadata: None,
        source: Some("chat".into()),
        created_at: at(0),
        updated_at: at(5),
        expires_at: None,
        labels: Labels::of(Source::Many),
    };
    assert_eq!(second, expected);
    assert_eq!(world.by_title("WI-FI", 5).await, Some(expected));
    assert_eq!(world.found("one").await, [""; 0]);
    assert_eq!(world.found("two").await, ["wi-fi"]);
}

#[tokio::test]
async fn titles_of_any_script_have_no_letter_case() {
    let world = World::new().await;
    world.save(note("Пароль", "one")).await;
    assert_eq!(world.save(note("ПАРОЛЬ", "two")).await.id, NoteId(1));
    assert_eq!(world.by_title("пароль", 0).await.unwrap().data, "two");
}

#[tokio::test]
async fn everyone_has_their_own() {
    let world = World::new().await;
    world.save(note("a", "mine")).await;
    let theirs = world
        .save(NewNote {
            owner: owner("43"),
            ..note("a", "mine")
        })
        .await;
    assert_eq!(world.search("mine").await.total, 1);
    let selector = NoteSelector::Id(theirs.id);
    assert_eq!(
        world
            .notes
            .get(&owner("42"), &selector, at(0))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        world.delete(selector, 0).await,
        ChangeOutcome::Deleted(Deleted::NotFound)
    );
}

#[tokio::test]
async fn what_was_saved_again_meanwhile_is_not_deleted() {
    let world = World::new().await;
    let (first, again) = (note("a", "tea"), note("a", "coffee"));
    let id = world.save(first).await.id;
    let saved_at = at(5);
    world.save(NewNote { saved_at, ..again }).await;
    let seen = |minute| NoteSelector::Saved(id, at(minute));
    let (missing, gone) = (Deleted::NotFound, Deleted::Gone);
    let deleted = ChangeOutcome::Deleted;
    assert_eq!(world.delete(seen(0), 6).await, deleted(missing));
    assert_eq!(world.by_title("a", 6).await.unwrap().data, "coffee");
    assert_eq!(world.delete(seen(5), 6).await, deleted(gone));
}

#[tokio::test]
async fn what_is_deleted_is_not_found_again() {
    let world = World::new().await;
    let id = world.save(note("a", "tea")).await.id;
    world.save(note("b", "tea")).await;
    let gone = ChangeOutcome::Deleted(Deleted::Gone);
    assert_eq!(world.delete(NoteSelector::Id(id), 0).await, gone);
    assert_eq!(world.delete(NoteSelector::Title("B".into()), 0).await, gone);
    let missing = ChangeOutcome::Deleted(Deleted::NotFound);
    assert_eq!(
        world.delete(NoteSelector::Title("B".into()), 0).await,
        missing
    );
    assert_eq!(world.search("tea").await.total, 0);
}

#[tokio::test]
async fn the_newest_of_ones_own_are_given_without_what_came_from_outside() {
    let world = World::new().await;
    let long = "ü".repeat(1000);
    for number in 0..25 {
        let saved_at = at(number);
        let title = format!("n{number}");
        let new = NewNote {
            saved_at,
            ..note(&title, &long)
        };
        world.save(new).await;
    }
    let others = [
        NewNote {
            labels: Labels::of(Source::Many),
            ..note("outside", "x")
        },
        NewNote {
            expires_at: Some(at(40)),
            ..note("expired", "x")
        },
        NewNote {
            owner: owner("43"),
            ..note("theirs", "x")
        },
    ];
    for other in others {
        let saved_at = at(30);
        world.save(NewNote { saved_at, ..other }).await;
    }
    let newest = world.notes.newest_own(&owner("42"), at(50)).await.unwrap();
    let titles: Vec<&str> = newest.iter().map(|note| note.title.as_str()).collect();
    assert_eq!((titles.len(), titles[0], titles[19]), (20, "n24", "n5"));
    assert_eq!(newest[0].data, "ü".repeat(240));
}

#[tokio::test]
async fn what_has_expired_is_gone() {
    let world = World::new().await;
    let short = NewNote {
        expires_at: Some(at(5)),
        ..note("a", "tea")
    };
    world.save(short.clone()).await;
    assert!(world.by_title("a", 4).await.is_some());
    assert!(world.by_title("a", 5).await.is_none());
    let later = NoteSearch {
        now: at(5),
        ..search(Some("tea"))
    };
    assert_eq!(world.notes.search(later).await.unwrap().total, 0);
    let everything = NoteSearch {
        now: at(5),
        ..search(None)
    };
    assert_eq!(world.notes.search(everything).await.unwrap().total, 0);
    let missing = ChangeOutcome::Deleted(Deleted::NotFound);
    assert_eq!(
        world.delete(NoteSelector::Title("a".into()), 5).await,
        missing
    );
    let anew = world
        .save(NewNote {
            saved_at: at(6),
            expires_at: None,
            ..short
        })
        .await;
    assert_eq!(anew.created_at, at(6));
}

/// What is looked for, and the titles that are found, the best first.
const SEARCHES: &[(&str, &[&str])] = &[
    ("router", &["Wi-Fi"]),
    ("ROUT", &["Wi-Fi"]),
    ("wi-fi", &["Wi-Fi"]),
    ("café", &["Coffee"]),
    ("cafe", &["Coffee"]),
    ("password router", &["Wi-Fi"]),
    ("router nonsense", &["Wi-Fi"]),
    ("the", &["Coffee", "Wi-Fi"]),
    ("会议", &["Plan"]),
    ("🎉", &["Party"]),
    ("c++", &["Coffee"]),
    ("nothing", &[]),
    ("title:router", &["Wi-Fi"]),
    ("-router", &["Wi-Fi"]),
    ("NOT router", &["Wi-Fi"]),
    ("\"router", &["Wi-Fi"]),
    ("100%", &[]),
    ("%", &[]),
];

#[tokio::test]
async fn notes_are_found_by_their_words() {
    let world = World::new().await;
    world
        .save(note(
            "Wi-Fi",
            "the password of the router is hunter2, at home and in the shed",
        ))
        .await;
    world.save(note("Coffee", "the café")).await;
    world.save(note("Plan", "明天会议")).await;
    world.save(note("Party", "on friday 🎉")).await;
    for (query, expected) in SEARCHES {
        assert_eq!(world.found(query).await, *expected, "{query}");
    }
}

#[tokio::test]
async fn a_list_is_newest_first_and_comes_in_pages() {
    let world = World::new().await;
    for (minute, title) in [(1, "a"), (3, "b"), (2, "c")] {
        world
            .save(NewNote {
                saved_at: at(minute),
                ..note(title, "tea")
            })
            .await;
    }
    for query in [None, Some("  ")] {
        let page = NoteSearch {
            limit: 2,
            offset: 1,
            ..search(query)
        };
        let page = world.notes.search(page).await.unwrap();
        let titles: Vec<_> = page.notes.iter().map(|note| note.title.as_str()).collect();
        assert_eq!((page.total, titles), (3, vec!["c", "a"]));
    }
    let page = NoteSearch {
        limit: 2,
        offset: 2,
        ..search(Some("tea"))
    };
    let page = world.notes.search(page).await.unwrap();
    assert_eq!((page.total, page.notes.len()), (3, 1));
}

#[tokio::test]
async fn no_query_is_an_error() {
    let world = World::new().await;
    world.save(note("a", "tea \0 \" ' * ( ) NEAR")).await;
    let long = "word ".repeat(2_000);
    let solid = "x".repeat(10_240);
    let quotes = "\"".repeat(10_240);
    let queries = [
        "\"",
        "\"\"",
        "'",
        "*",
        "a*",
        "NEAR(",
        "NEAR(a b, 3)",
        "a AND",
        "OR",
        "NOT",
        "(",
        ")",
        "^a",
        "a:b",
        "{a b}:c",
        "+",
        "--",
        ";",
        "\0",
        "a\0b",
        "😀",
        "\u{301}",
        "\u{fffe}",
        "ǅ",
        "%_\\",
        "\u{202e}",
        "½",
        "ⅷ",
        &long,
        &solid,
        &quotes,
    ];
    for query in queries {
        let found = world.notes.search(search(Some(query))).await;
        assert!(found.is_ok(), "{query:?}: {found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { fork: false, failure_persistence: None, ..ProptestConfig::with_cases(1) })]

    #[test]
    fn no_text_is_an_error(queries in proptest::collection::vec("\\PC{0,40}|[\"*():^{}\\-+ a\0]{0,40}", 300)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            world.save(note("a", "tea")).await;
            for query in &queries {
                let found = world.notes.search(search(Some(query))).await;
                assert!(found.is_ok(), "{query:?}: {found:?}");
            }
        });
    }
}
