//! The rule as a table.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::core::action::ClickLeads;
use crate::core::command::CommandLine;
use crate::core::conversation::{Enclosure, Item};
use crate::core::egress::FetchMethod;
use crate::core::ids::CallId;
use crate::core::label::Source;
use crate::core::tool::{ToolCall, ToolResult};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn page() -> Labels {
    Labels::of(Source::Web {
        host: "news.example".into(),
    })
}

fn get(address: &str) -> Action {
    Action::Fetch {
        url: url(address),
        plain: Plainness::Plain,
    }
}

fn post(address: &str) -> Action {
    Action::Fetch {
        url: url(address),
        plain: Plainness::Carries(FetchMethod::Post),
    }
}

fn click(leads: ClickLeads) -> Action {
    let page = Some(url("https://news.example/list?a=1#top"));
    Action::Click { page, leads }
}

fn code(confinement: Confinement) -> Action {
    Action::Code { confinement }
}

fn command(confinement: Confinement) -> Action {
    let line = CommandLine::unclear("ls", "whatever it says");
    Action::Command { line, confinement }
}

/// The person named `said.example` and `news.example`; a page names `linked.example`.
fn untrusted(followed: usize) -> Surroundings {
    Surroundings {
        labels: page(),
        known: KnownAddresses::of([
            Words::Own("look at https://said.example/a?b=c, please, and at news.example"),
            Words::Fetched("[more](https://linked.example/x) or https://linked.example/y#z."),
        ]),
        followed,
        visited: Visited::default(),
    }
}

fn decide(table: impl IntoIterator<Item = (Action, usize, Option<Reason>)>) {
    for (action, followed, expected) in table {
        let found = escalation(&action, &untrusted(followed));
        assert_eq!(found, expected, "{action:?}");
        let trusted = Surroundings {
            labels: Labels::default(),
            ..untrusted(followed)
        };
        assert_eq!(escalation(&action, &trusted), None, "{action:?}");
    }
}

#[test]
fn only_addresses_that_stand_somewhere_are_visited_unasked() {
    use Reason::{Carries, ManyFollowed};
    let said = "https://said.example/a?b=c";
    let linked = "https://linked.example/x";
    decide([
        (get(said), 99, None),
        (get("https://news.example/"), 99, None),
        (get(linked), 0, None),
        (get(linked), 9, None),
        (get(linked), 10, Some(ManyFollowed)),
        (get("https://linked.example/y"), 9, None),
        (get("https://linked.example/y#z"), 9, None),
        (post(said), 0, Some(Carries(url(said)))),
        (post(linked), 0, Some(Carries(url(linked)))),
    ]);
    // Parts, additions and other spellings of what is known carry something.
    let unknown = [
        "https://evil.example/?q=secret",
        "https://said.example/a",
        "https://said.example/a?b=cd",
        "https://said.example/a?b=c#d",
        "https://said.example/a/?b=c",
        "https://linked.example/X",
        "https://linked.example/x/",
        "https://linked.example:444/x",
        "https://you@linked.example/x",
        "http://linked.example/x",
        "https://secret.news.example/",
    ];
    decide(unknown.map(|address| {
        let reason = Reason::UnknownAddress(url(address));
        (get(address), 0, Some(reason))
    }));
}

#[test]
fn each_other_exit_is_open_or_asked_for() {
    use Confinement::{Native, Weaker};
    use Reason as R;
    let to = |address| click(ClickLeads::To(url(address)));
    let path = "a.txt".to_owned();
    let send = |path: &str, opened| Action::SendFile {
        path: path.to_owned(),
        caption: String::new(),
        opened,
    };
    let change = |path: &str, loss| Action::ChangeFiles {
        paths: vec![path.to_owned()],
        loss,
    };
    let server = "crm".to_owned();
    let writes = R::WritesThrough(server.clone());
    decide([
        (Action::Inside, 0, None),
        (Action::FillField { page: None }, 0, Some(R::FillsField)),
        // Which element is chosen tells the page something, whatever the click leads to.
        (to("https://news.example/list?a=1#end"), 0, Some(R::Clicks)),
        (to("https://news.example/list?a=2"), 0, Some(R::Clicks)),
        (to("https://said.example/a?b=c"), 0, Some(R::Clicks)),
        (click(ClickLeads::Unknown), 0, Some(R::Clicks)),
        (code(Native), 0, None),
        (code(Weaker), 0, Some(R::Runs)),
        (command(Native), 0, None),
        (command(Weaker), 0, Some(R::Runs)),
        (
            Action::DeleteFile { path: path.clone() },
            0,
            Some(R::DeletesFile),
        ),
        (send(&path, Opened::Leads), 0, Some(R::SendsPage)),
        (send(&path, Opened::Shown), 0, None),
        (change(&path, Loss::Nothing), 0, None),
        (change(&path, Loss::Content), 0, Some(R::Replaces)),
        (change(&path, Loss::Place), 0, Some(R::Moves)),
        (Action::Forget(Kept::Note), 0, Some(R::Forgets(Kept::Note))),
        (Action::ScheduleRun, 0, Some(R::PlansRun)),
        (Action::McpWrite { server }, 0, Some(writes)),
    ]);
}

/// Which of these calls of one turn are asked about.
fn asked(addresses: &[String], own: &str, fetched: &str) -> Vec<bool> {
    let calls = addresses.iter().enumerate();
    let calls: Vec<ToolCall> = calls.map(|(n, url)| called(&n.to_string(), url)).collect();
    let before = [Item::User {
        text: own.into(),
        enclosures: Vec::new(),
        labels: Labels::default(),
    }];
    let exchange = [
        tool("p", fetched, page()),
        Item::Assistant {
            text: String::new(),
            calls: calls.clone(),
            continuation: None,
            labels: page(),
        },
    ];
    let asked = calls.iter().zip(addresses).map(|(call, address)| {
        let surroundings = Surroundings::of(&call.id, &page(), &before, &exchange);
        escalation(&get(address), &surroundings).is_some()
    });
    asked.collect()
}

#[test]
fn what_the_person_named_is_visited_once_and_then_counts() {
    let named: Vec<String> = (0..20)
        .map(|n| format!("https://said.example/{n}"))
        .collect();
    assert_eq!(asked(&named, &named.join(" "), ""), [false; 20]);
    // How often, and in which order, tells something.
    let again = vec!["https://said.example/a".to_owned(); 13];
    let expected = [[false; 11].as_slice(), &[true; 2]].concat();
    assert_eq!(asked(&again, "see https://said.example/a", ""), expected);
    let parts: Vec<String> = (0..13)
        .map(|n| format!("https://said.example/a#{n}"))
        .collect();
    assert_eq!(asked(&parts, &parts.join(" "), ""), expected);
    // So does one of the two ways to a bare name.
    let both: Vec<String> = (0..13)
        .map(|n| format!("{}://said.example/", ["http", "https"][n % 2]))
        .collect();
    assert_eq!(asked(&both, "see said.example", ""), expected);
    // Both kinds have one limit.
    let mixed: Vec<String> = (0..13)
        .map(|n| {
            if n % 2 == 0 {
                again[0].clone()
            } else {
                format!("https://linked.example/{n}")
            }
        })
        .collect();
    assert_eq!(asked(&mixed, &again[0], &mixed.join(" ")), expected);
}

#[test]
fn an_address_ends_where_the_text_around_it_goes_on() {
    for (text, address) in [
        ("(see https://a.example/b)", "https://a.example/b"),
        ("**https://a.example/b**.", "https://a.example/b"),
        ("<https://a.example/b>", "https://a.example/b"),
        ("HTTPS://A.example/b!", "https://a.example/b"),
        ("[x](https://a.example/b \"title\")", "https://a.example/b"),
        ("https://a.example/w_(x)", "https://a.example/w_(x)"),
        ("{'u':'https://a.example/b','v':1}", "https://a.example/b"),
        ("https://a.example/b。", "https://a.example/b"),
        ("https://a.example", "https://a.example/"),
        ("xhttps://a.example/b", "https://a.example/b"),
    ] {
        let known = KnownAddresses::of([Words::Fetched(text)]);
        assert!(known.is_fetched(&url(address)), "{text}: {known:?}");
        assert!(!known.is_said(&url(address)), "{text}");
    }
    for (text, address) in [
        ("is a.example/b?c=1 up?", "https://a.example/b?c=1"),
        ("a.example.", "http://a.example/"),
        ("write to me@a.example", "https://a.example/"),
    ] {
        let known = KnownAddresses::of([Words::Own(text)]);
        assert_eq!(
            known.is_said(&url(address)),
            !text.contains('@'),
            "{text}: {known:?}"
        );
        let known = KnownAddresses::of([Words::Fetched(text)]);
        assert!(
            !known.holds(&url(address)),
            "only the person may leave the scheme out"
        );
    }
}

fn called(id: &str, address: &str) -> ToolCall {
    ToolCall {
        id: CallId::new(id),
        name: "http_request".into(),
        arguments: json!({ "url": address }).to_string(),
    }
}

fn tool(id: &str, body: &str, labels: Labels) -> Item {
    Item::Tool {
        call: CallId::new(id),
        name: "t".into(),
        result: ToolResult::ok(json!({ "deep": [{ "body": body }] })),
        labels,
    }
}

#[test]
fn only_the_person_and_the_sources_themselves_make_an_address_known() {
    let own = |labels| Item::User {
        text: "https://one.example/".into(),
        enclosures: vec![Enclosure {
            text: "https://two.example/".into(),
            labels: page(),
        }],
        labels,
    };
    let written = "https://three.example/";
    let assistant = Item::Assistant {
        text: written.into(),
        calls: vec![called("n", written)],
        continuation: None,
        labels: page(),
    };
    let items = [
        own(page()),
        assistant,
        tool("a", "https://four.example/", page()),
        // A note, a file or a job that a model wrote, read again; and a result of our own.
        tool("b", "https://five.example/", page().rewritten()),
        tool("c", "https://six.example/", Labels::default()),
    ];
    let known = KnownAddresses::in_items(&items);
    let holds = |name: &str| known.holds(&url(&format!("https://{name}.example/")));
    let names = ["one", "two", "three", "four", "five", "six"];
    assert_eq!(names.map(holds), [true, true, false, true, false, false]);
    // The words of a job that was planned after reading something are the model's.
    let job = KnownAddresses::in_items(&[own(page().rewritten())]);
    assert!(!job.holds(&url("https://one.example/")));
}

#[test]
fn the_calls_of_a_turn_are_counted_in_their_order() {
    let linked: Vec<String> = (0..12)
        .map(|n| format!("https://linked.example/{n}"))
        .collect();
    let expected = [[false; 10].as_slice(), &[true; 2]].concat();
    assert_eq!(asked(&linked, "", &linked.join(" ")), expected);
    let surroundings = Surroundings::of(&CallId::new("11"), &Labels::default(), [], &[]);
    assert_eq!(escalation(&get(&linked[11]), &surroundings), None);
}

#[test]
fn an_answer_as_a_file_leads_only_to_what_is_known() {
    use crate::core::markup::render;
    let markdown = "# A\n\n![](https://evil.example/?d=1) [b](https://known.example/) `config.toml` \
                    c.evil.example <img src=https://evil.example/2>";
    let read = render(markdown);
    assert_eq!(
        Links::All.file(markdown, &read),
        ("answer.md", markdown.to_owned())
    );
    let known = KnownAddresses::of([Words::Fetched("https://known.example/")]);
    let only = Links::Only(std::sync::Arc::new(known));
    let (name, content) = only.file(markdown, &read);
    assert_eq!(name, "answer.txt");
    assert!(
        !content.contains("://evil") && !content.contains("c.evil.example"),
        "{content}"
    );
    assert!(
        content.contains("b (https://known.example/) config.toml"),
        "{content}"
    );
    for (name, shown) in [("code.html", "code.html.txt"), ("code.py", "code.py")] {
        assert_eq!(only.code_name(name.to_owned()), shown);
        assert_eq!(Links::All.code_name(name.to_owned()), name);
    }
}
