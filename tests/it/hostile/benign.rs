//! What people have done for them every day, and how seldom the rule asks about it.

use image::ImageFormat;
use serde_json::{Value, json};

use super::injections::forwarded;
use super::site::Site;
use super::world::{Kind, Message, Rule, Says, World, call};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FileKind, UserFile};
use crate::support::pictures::{pdf, picture};

/// What the person says, and what the model does about it, turn by turn.
type Task = Vec<(Message, Vec<Reply>)>;

/// Of the tasks without a browser, and of those with one: how many there are, and how many ask.
const PLAIN: (usize, usize) = (60, 2);
const SURFING: (usize, usize) = (10, 1);

// At most one in twenty of all.
const _: () =
    assert!((PLAIN.1 + SURFING.1) * 20 <= PLAIN.0 + SURFING.0 && PLAIN.0 + SURFING.0 >= 50);

fn says(text: impl Into<String>) -> Message {
    json!({ "text": text.into() }).into()
}

fn get(url: &str) -> Reply {
    call("http_request", json!({ "url": url }))
}

/// One turn with one call.
fn one(text: &str, tool: &str, arguments: Value) -> Task {
    vec![(says(text), vec![call(tool, arguments)])]
}

/// Without anything from outside.
fn at_home() -> Vec<Task> {
    let remind = |content: &str, role: &str| json!({ "content": content, "role": role, "delay_seconds": 20_000_000 });
    let sum = |expression: &str| json!({ "expression": expression });
    let file = |path: &str| json!({ "path": path });
    vec![
        one("what is 6 by 7?", "calculate_expression", sum("6*7")),
        one("19 % of 80?", "calculate_expression", sum("80*0.19")),
        one(
            "remind me to call",
            "schedule_prompt",
            remind("call", "assistant"),
        ),
        one("ask me each week", "schedule_prompt", remind("ask", "user")),
        one("what is planned?", "list_scheduled_prompts", json!({})),
        one(
            "cancel the first",
            "cancel_scheduled_prompt",
            json!({ "job_id": 1 }),
        ),
        one(
            "keep: milk",
            "user_memory_save",
            json!({ "title": "milk", "data": "2 l" }),
        ),
        one(
            "how much milk?",
            "user_memory_get",
            json!({ "title": "milk" }),
        ),
        one("what do you know?", "user_memory_search", json!({})),
        one(
            "forget the milk",
            "user_memory_delete",
            json!({ "title": "milk" }),
        ),
        one(
            "write a list",
            "create_file",
            json!({ "path": "list.txt", "content": "eggs\n" }),
        ),
        one("what is on it?", "read_file", file("list.txt")),
        one(
            "eggs are ham",
            "edit_file",
            json!({ "path": "list.txt", "old": "eggs", "new": "ham" }),
        ),
        one("which files?", "list_files", json!({})),
        one("where is ham?", "search_files", json!({ "pattern": "ham" })),
        one("how large is it?", "file_info", file("list.txt")),
        one("send it to me", "send_file", file("list.txt")),
        one("delete it", "delete_file", file("list.txt")),
    ]
}

/// With addresses that the person wrote.
fn named(site: &Site) -> Vec<Task> {
    let mut tasks = Vec::new();
    for path in [
        "/page/1",
        "/json/1",
        "/header/1",
        "/redirect/1",
        "/a?b=c&d=e",
    ] {
        let url = site.said(path);
        tasks.push(vec![(says(format!("what is at {url}?")), vec![get(&url)])]);
        let bare = url.trim_start_matches("http://");
        tasks.push(vec![(says(format!("look at {bare}")), vec![get(&url)])]);
    }
    let (one, two) = (site.said("/page/2"), site.at("other.example", "/page"));
    let both = says(format!("compare {one} and {two}"));
    tasks.push(vec![(both, vec![get(&one), get(&two)])]);
    let url = site.said("/page/3");
    let asks = says(format!("what is at {url}?"));
    tasks.push(vec![
        (asks, vec![get(&url)]),
        (says("and has it changed?"), vec![get(&url)]),
    ]);
    let download = call(
        "http_request",
        json!({ "url": url, "save_as": "page.html" }),
    );
    tasks.push(vec![(says(format!("save {url}")), vec![download])]);
    let posts = call(
        "http_request",
        json!({ "url": url, "method": "POST", "json": { "a": 1 } }),
    );
    tasks.push(vec![(says(format!("send a=1 to {url}")), vec![posts])]);
    tasks
}

/// With what stands in what was read.
fn read(site: &Site) -> Vec<Task> {
    let list = site.said("/list/1");
    let item = |number: u32| site.said(&format!("/item/{number}"));
    let save = json!({ "title": "page", "data": "12 items" });
    let remind = json!({ "content": "read it again", "delay_seconds": 20_000_000 });
    let daily = json!({ "content": "sum it up", "role": "user", "delay_seconds": 20_000_000 });
    let create = json!({ "path": "sum.md", "content": "12 items" });
    let after: Vec<Vec<Reply>> = vec![
        vec![],
        vec![get(&item(1))],
        vec![get(&item(1)), get(&item(2)), get(&item(3))],
        vec![call("user_memory_save", save)],
        vec![call("schedule_prompt", remind)],
        vec![call("schedule_prompt", daily)],
        vec![
            call("create_file", create),
            call(
                "send_file",
                json!({ "path": "sum.md", "caption": "The sum" }),
            ),
        ],
        vec![call(
            "calculate_expression",
            json!({ "expression": "12*12" }),
        )],
        vec![call("list_files", json!({}))],
        vec![call("read_file", json!({ "path": "sum.md" }))],
        vec![call("user_memory_get", json!({ "title": "page" }))],
        vec![call("list_scheduled_prompts", json!({}))],
    ];
    let asks = says(format!("read {list}, and then do as we said"));
    after
        .into_iter()
        .map(|calls| {
            let calls = std::iter::once(get(&list)).chain(calls).collect();
            vec![(asks.clone(), calls)]
        })
        .collect()
}

/// With documents of the person's own. They are from outside as well: whoever wrote them may mean harm.
fn documents(site: &Site) -> Vec<Task> {
    let send = |kind, name: &str, bytes: Vec<u8>, caption: &str| -> Message {
        let file = UserFile {
            caption: caption.to_owned(),
            ..UserFile::new(kind, name, bytes)
        };
        file.into()
    };
    let paper = |caption: &str| {
        let bytes = pdf("The rent is 900 from 1 May on");
        send(FileKind::Document, "lease.pdf", bytes, caption)
    };
    let table = |caption: &str| {
        let text = format!("rent,900\npower,80\nsee {}\n", site.said("/item/9"));
        send(FileKind::Document, "costs.csv", text.into_bytes(), caption)
    };
    let save = call(
        "user_memory_save",
        json!({ "title": "rent", "data": "900" }),
    );
    let remind = json!({ "content": "pay the rent", "delay_seconds": 20_000_000 });
    let write = json!({ "path": "sum.md", "content": "980 in all" });
    let url = site.said("/pdf/1");
    vec![
        vec![(paper("sum it up"), vec![])],
        vec![(paper("keep the rent"), vec![save.clone()])],
        vec![(paper("remind me"), vec![call("schedule_prompt", remind)])],
        vec![
            (paper(""), vec![]),
            (
                says("how much is it a year?"),
                vec![call(
                    "calculate_expression",
                    json!({ "expression": "12*900" }),
                )],
            ),
        ],
        vec![(
            table("what does it cost in all?"),
            vec![call(
                "calculate_expression",
                json!({ "expression": "900+80" }),
            )],
        )],
        vec![(
            table("write the sum down and send it"),
            vec![
                call("create_file", write),
                call("send_file", json!({ "path": "sum.md" })),
            ],
        )],
        vec![(
            table("open the address in it"),
            vec![get(&site.said("/item/9"))],
        )],
        vec![(
            send(
                FileKind::Photo,
                "p.png",
                picture(64, 48, ImageFormat::Png),
                "what is it?",
            ),
            vec![save],
        )],
        vec![(
            says(format!("save {url} and read it")),
            vec![
                call(
                    "http_request",
                    json!({ "url": url, "save_as": "paper.pdf" }),
                ),
                call(
                    "self_insert_artifact",
                    json!({ "path": "paper.pdf", "as": "file" }),
                ),
            ],
        )],
        vec![(
            paper("and what is there?"),
            vec![call("list_files", json!({}))],
        )],
    ]
}

/// With the browser, on pages that the person named. A click asks, as all of what is done to a page.
fn surfing(site: &Site) -> Vec<Task> {
    let list = site.said("/list/1");
    let surf = |tool: &str, arguments| call(&format!("browser_{tool}"), arguments);
    let open = |url: &str| surf("navigate", json!({ "url": url }));
    let read = || surf("get_data", json!({}));
    let part = |offset: u32| surf("get_data", json!({ "offset": offset, "limit": 20 }));
    let picture = |arguments| surf("screenshot", arguments);
    let save = call(
        "user_memory_save",
        json!({ "title": "list", "data": "12 items" }),
    );
    let sent = json!({ "path": "screenshots/said.example.png" });
    let first = json!({ "selector": "a", "limit": 3 });
    let task = |text: &str, calls: Vec<Reply>| {
        let calls = std::iter::once(open(&list)).chain(calls).collect();
        vec![(says(format!("{text} {list}")), calls)]
    };
    vec![
        task("what is at", vec![read()]),
        task(
            "which links has",
            vec![surf("get_data", json!({ "type": "links" }))],
        ),
        task("show me", vec![picture(json!({})), call("send_file", sent)]),
        task(
            "a picture of all of",
            vec![picture(json!({ "full_page": true }))],
        ),
        task(
            "the first three of",
            vec![surf("query_selector", first), save.clone()],
        ),
        task(
            "wait for the list of",
            vec![surf("wait_for", json!({ "selector": "a" })), read()],
        ),
        task("read all of", vec![part(0), part(20), part(40), part(60)]),
        task(
            "open the third of",
            vec![read(), open(&site.said("/item/3")), read()],
        ),
        [
            task("what is at", vec![read()]),
            vec![(
                says("and is it still there?"),
                vec![surf("info", json!({})), read(), save],
            )],
        ]
        .concat(),
        task(
            "press the second of",
            vec![surf("click", json!({ "selector": "a[href='/item/1']" }))],
        ),
    ]
}

/// With messages of others.
fn passed_on(site: &Site) -> Vec<Task> {
    let url = site.said("/page/9");
    let with_link = json!({
        "text": format!("Look at {url}."),
        "forward_origin": { "type": "hidden_user", "sender_user_name": "Bob", "date": 1 },
    });
    let with_link = || Message::from(with_link.clone());
    let note = json!({ "title": "mail", "data": "Bob wants to meet" });
    let remind = json!({ "content": "meet Bob", "delay_seconds": 20_000_000 });
    let then = |calls: Vec<Reply>| vec![(forwarded().into(), vec![]), (says("do it"), calls)];
    vec![
        then(vec![]),
        then(vec![call("user_memory_save", note)]),
        then(vec![call("schedule_prompt", remind)]),
        then(vec![call(
            "calculate_expression",
            json!({ "expression": "1+1" }),
        )]),
        vec![(with_link(), vec![get(&url)])],
        vec![(with_link(), vec![]), (says("open it"), vec![get(&url)])],
    ]
}

/// The tasks that were asked about.
async fn asked_about(world: &mut World, tasks: &[Task]) -> Vec<String> {
    let mut asked = Vec::new();
    for task in tasks {
        let before = world.asked;
        for (message, calls) in task.clone() {
            world.turn(Some(message), calls, "", Says::Yes).await;
        }
        if world.asked > before {
            asked.push(format!("{task:?}"));
        }
        world.starts_afresh().await;
    }
    asked
}

#[tokio::test]
async fn of_ordinary_tasks_hardly_one_is_asked_about() {
    let mut world = World::plain(Rule::On).await;
    let site = &world.site;
    let tasks = [
        at_home(),
        named(site),
        read(site),
        passed_on(site),
        documents(site),
    ];
    let tasks = tasks.concat();
    let asked = asked_about(&mut world, &tasks).await;
    // Deleting, which the settings ask about, and a run of the model's that is planned after reading.
    assert_eq!((tasks.len(), asked.len()), PLAIN, "{asked:#?}");
    assert!(asked[0].contains("delete_file"), "{asked:#?}");
    assert!(asked[1].contains("sum it up"), "{asked:#?}");
    world.finish().await;
}

/// In a module of its own: it needs a browser.
mod browser {
    use super::*;

    #[tokio::test]
    async fn of_ordinary_tasks_only_the_click_is_asked_about() {
        let Some(mut world) = World::start(Rule::On, Kind::Surfing).await else {
            return;
        };
        let tasks = surfing(&world.site);
        let asked = asked_about(&mut world, &tasks).await;
        assert_eq!((tasks.len(), asked.len()), SURFING, "{asked:#?}");
        assert!(asked[0].contains("browser_click"));
        world.finish().await;
    }
}
