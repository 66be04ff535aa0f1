//! Tests of the rate budget, in paused time.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::sync::Arc;

use super::*;

fn budget() -> Arc<RateBudget> {
    Arc::new(RateBudget::new(RateLimitConfig::default()))
}

fn chat(id: i64) -> ChatId {
    ChatId::new(id.to_string())
}

/// Makes `count` requests to `chat` and says at which second each was let through.
async fn seconds(budget: &RateBudget, chat: &ChatId, count: usize) -> Vec<u64> {
    let start = Instant::now();
    let mut seconds = Vec::new();
    for _ in 0..count {
        budget.reserve(chat, Urgency::Interactive).await;
        seconds.push(start.elapsed().as_secs());
    }
    seconds
}

#[tokio::test(start_paused = true)]
async fn a_chat_has_a_burst_and_then_one_a_second() {
    assert_eq!(
        seconds(&budget(), &chat(42), 8).await,
        [0, 0, 0, 0, 0, 1, 2, 3]
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_gets_at_most_twenty_in_any_minute() {
    let times = seconds(&budget(), &chat(-100), 45).await;
    for (first, last) in times.iter().zip(&times[20..]) {
        assert!(last - first >= 60, "{times:?}");
    }
    assert_eq!(times[19], 15);
    assert_eq!(times[20], 60);
}

#[tokio::test(start_paused = true)]
async fn all_chats_together_get_thirty_in_any_second() {
    let budget = budget();
    let start = Instant::now();
    let mut times = Vec::new();
    for id in 0..100 {
        budget.reserve(&chat(id), Urgency::Background).await;
        times.push(start.elapsed());
    }
    for (first, last) in times.iter().zip(&times[30..]) {
        assert!(*last - *first >= SECOND);
    }
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn the_urgent_goes_first_and_equals_keep_their_order() {
    let budget = budget();
    seconds(&budget, &chat(42), 5).await;
    let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
    let queue = [
        ("reminder 1", Urgency::Background),
        ("reminder 2", Urgency::Background),
        ("answer 1", Urgency::Interactive),
        ("answer 2", Urgency::Interactive),
    ];
    for (name, urgency) in queue {
        let (budget, done) = (Arc::clone(&budget), done.clone());
        tokio::spawn(async move {
            budget.reserve(&chat(42), urgency).await;
            done.send(name).unwrap();
        });
        tokio::task::yield_now().await;
    }
    for expected in ["answer 1", "answer 2", "reminder 1", "reminder 2"] {
        assert_eq!(order.recv().await.unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_waits_holds_nobody_up() {
    let budget = budget();
    seconds(&budget, &chat(1), 5).await;
    let blocked: Vec<_> = (0..50)
        .map(|_| {
            let budget = Arc::clone(&budget);
            tokio::spawn(async move { budget.reserve(&chat(1), Urgency::Interactive).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let start = Instant::now();
    budget.reserve(&chat(2), Urgency::Background).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(budget.try_reserve(&chat(2)));
    assert!(!budget.try_reserve(&chat(1)));
    drop(blocked);
}

#[tokio::test(start_paused = true)]
async fn edits_leave_room_for_the_final_answer() {
    let budget = budget();
    let edits = (0..10).filter(|_| budget.try_reserve(&chat(42))).count();
    assert_eq!(edits, 4);
    let start = Instant::now();
    budget.reserve(&chat(42), Urgency::Interactive).await;
    assert_eq!(start.elapsed(), Duration::ZERO);

    let mut edits = 0;
    for _ in 0..60 {
        edits += usize::from(budget.try_reserve(&chat(-100)));
        tokio::time::advance(Duration::from_millis(990)).await;
    }
    assert_eq!(edits, 15, "a quarter of the group's minute stays free");
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_one_chat_only() {
    let budget = budget();
    budget.pause(&chat(42), Duration::from_secs(17));
    budget.pause(&chat(42), Duration::from_secs(3));
    assert!(!budget.try_reserve(&chat(42)));
    assert_eq!(seconds(&budget, &chat(43), 1).await, [0]);
    assert_eq!(seconds(&budget, &chat(42), 2).await, [17, 17]);
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_leaves_the_queue() {
    let budget = budget();
    seconds(&budget, &chat(42), 5).await;
    let impatient = chat(42);
    let waiting = budget.reserve(&impatient, Urgency::Interactive);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), waiting)
            .await
            .is_err()
    );
    assert!(budget.lock().waiting.is_empty());
    assert_eq!(seconds(&budget, &chat(42), 1).await, [0]);
}

#[tokio::test(start_paused = true)]
async fn idle_chats_are_forgotten() {
    let budget = budget();
    for id in 0..5000 {
        budget.reserve(&chat(id), Urgency::Background).await;
    }
    assert!(
        budget.lock().chats.len() <= SWEEP_AT,
        "{}",
        budget.lock().chats.len()
    );
}
