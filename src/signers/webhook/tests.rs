//! What a webhook's answers come to, with a server that answers, lies, hangs or is not there.
//! It must not reach beyond loopback.

use super::*;
use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const KEY: &str = "{\"access_key_id\": \"A\", \"secret_access_key\": {\"value\": \"hunter2\"}}";

fn spec(url: String) -> Spec {
    Spec {
        url,
        post: true,
        token: Some(Secret::new("letmein")),
        ca: None,
        timeout: Duration::from_secs(20),
        ttl: Duration::from_mins(1),
        negative_ttl: Duration::from_secs(5),
        stale: Duration::from_mins(1),
        keys: 10,
        concurrency: 2,
        rate: 1000,
    }
}

/// A server that gives these answers one by one, and then hangs; what it was asked comes back.
async fn served(answers: Vec<String>, post: bool) -> (Webhook, Arc<Mutex<Vec<String>>>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let (asked, count) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
    let (seen, number) = (Arc::clone(&asked), Arc::clone(&count));
    tokio::spawn(async move {
        let mut answers = VecDeque::from(answers);
        let mut hanging = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            while !text.ends_with(b"\r\n\r\n") && !text.ends_with(b"}") {
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).await.unwrap();
                text.extend_from_slice(&buffer[..length]);
            }
            seen.lock().unwrap().push(String::from_utf8(text).unwrap());
            number.fetch_add(1, Ordering::SeqCst);
            match answers.pop_front() {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => hanging.push(stream),
            }
        }
    });
    (Webhook::new("hook", &Spec { post, ..spec(url) }).unwrap(), asked, count)
}

fn answer(status: &str, lines: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{lines}content-length: {}\r\n\r\n{body}", body.len())
}

async fn check(webhook: &Webhook, id: &str, expected: (&str, KeyResult)) {
    let (answer, result) = webhook.find(id).await;
    let kind = match &answer {
        Answer::Known(guest) => {
            assert_eq!(guest.key.credential().access_key_id, id);
            "known"
        }
        Answer::Nobody => "nobody",
        Answer::Unavailable => "unavailable",
    };
    assert_eq!((kind, result), expected);
}

#[tokio::test]
async fn a_key_is_asked_for_once() {
    let (webhook, asked, count) = served(vec![answer("200 OK", "", KEY)], true).await;
    check(&webhook, "A", ("known", KeyResult::Found)).await;
    check(&webhook, "A", ("known", KeyResult::Hit)).await;
    assert_eq!((count.load(Ordering::SeqCst), webhook.len(), webhook.is_well()), (1, 1, true));
    let asked = asked.lock().unwrap().join("");
    assert!(asked.starts_with("POST /keys HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: Bearer letmein\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\n{\"access_key_id\":\"A\"}"), "{asked}");
    assert!(!format!("{webhook:?}").contains("hunter2") && !format!("{webhook:?}").contains("letmein"));
}

#[tokio::test]
async fn a_get_carries_the_key_in_its_query() {
    let (webhook, asked, _) = served(vec![answer("404 Not Found", "", "")], false).await;
    check(&webhook, "A+&=", ("nobody", KeyResult::Absent)).await;
    assert!(asked.lock().unwrap()[0].starts_with("GET /keys?access_key_id=A%2B%26%3D HTTP/1.1\r\n"));
}

#[tokio::test]
async fn what_is_no_answer_is_no_key_and_no_denial_either() {
    let other = KEY.replace("\"A\"", "\"B\"");
    let file = KEY.replace("{\"value\": \"hunter2\"}", "{\"file\": \"/etc/hostname\"}");
    let policy = KEY.replace("{\"acc", "{\"policies\": [\"p.json\"], \"acc");
    for body in ["", "{}", "no key", &other, &file, &policy, &KEY.replace("\"secret", "\"sekret")] {
        let (webhook, _, _) = served(vec![answer("200 OK", "", body)], true).await;
        check(&webhook, "A", ("unavailable", KeyResult::Failed)).await;
        assert_eq!((webhook.len(), webhook.is_well()), (0, false), "{body}");
    }
    let long = " ".repeat(MAX_ANSWER + 1);
    for reply in [
        answer("204 No Content", "", ""),
        answer("302 Found", "location: /other\r\n", ""),
        answer("401 Unauthorized", "", ""),
        answer("403 Forbidden", "", ""),
        answer("500 Internal Server Error", "", KEY),
        answer("200 OK", "", &long),
        "nonsense".to_owned(),
    ] {
        let (webhook, _, _) = served(vec![reply], true).await;
        check(&webhook, "A", ("unavailable", KeyResult::Failed)).await;
    }
}

#[tokio::test]
async fn answers_say_how_long_they_count() {
    for (lines, expected) in [
        ("", Some(None)),
        ("cache-control: max-age=7\r\n", Some(Some(7))),
        ("cache-control: private, Max-Age=7\r\n", Some(Some(7))),
        ("cache-control: max-age=7, no-store\r\n", Some(Some(0))),
        ("cache-control: max-age=-1\r\n", Some(Some(0))),
        ("cache-control: private\r\n", Some(None)),
    ] {
        let mut headers = HeaderMap::new();
        if let Some((_, value)) = lines.trim_end().split_once(": ") {
            headers.insert(CACHE_CONTROL, value.parse().unwrap());
        }
        assert_eq!(Some(max_age(&headers).map(|age| age.as_secs())), expected, "{lines}");
    }
    let replies = vec![answer("200 OK", "cache-control: no-store\r\n", KEY); 2];
    let (webhook, _, count) = served(replies, true).await;
    check(&webhook, "A", ("known", KeyResult::Found)).await;
    check(&webhook, "A", ("known", KeyResult::Found)).await;
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn many_who_want_one_key_ask_once() {
    let (webhook, _, count) = served(vec![answer("200 OK", "", KEY)], true).await;
    let webhook = Arc::new(webhook);
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let webhook = Arc::clone(&webhook);
        all.spawn(async move { webhook.find("A").await.0 });
    }
    let answers = all.join_all().await;
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Known(_))));
    assert_eq!((count.load(Ordering::SeqCst), webhook.asking().len()), (1, 0));
}

#[tokio::test]
async fn questions_at_a_time_are_bounded_and_leave_nothing_behind() {
    // a server that hangs
    let (webhook, _, count) = served(Vec::new(), true).await;
    let webhook = Arc::new(webhook);
    let hanging: Vec<_> = ["H1", "H2"]
        .map(|id| {
            let webhook = Arc::clone(&webhook);
            tokio::spawn(async move { webhook.find(id).await })
        })
        .into_iter()
        .collect();
    while count.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    for number in 0..20 {
        check(&webhook, &format!("N{number}"), ("unavailable", KeyResult::Limited)).await;
    }
    assert_eq!((webhook.asking().len(), webhook.len(), count.load(Ordering::SeqCst)), (2, 0, 2));
    for task in hanging {
        task.abort();
        let _ = task.await;
    }
    assert_eq!((webhook.asking().len(), webhook.new.available_permits()), (0, 2));
}

#[tokio::test]
async fn a_known_key_outlives_a_failure() {
    let replies = vec![answer("200 OK", "", KEY), answer("500 Oops", "", "")];
    let (mut webhook, _, _) = served(replies, true).await;
    webhook.table = Mutex::new(Table::new(terms(60)));
    check(&webhook, "A", ("known", KeyResult::Found)).await;
    wait(&webhook).await;
    check(&webhook, "A", ("known", KeyResult::Stale)).await;
    check(&webhook, "A", ("known", KeyResult::Stale)).await;
}

#[tokio::test]
async fn a_known_key_ends_at_the_bound() {
    let replies = vec![answer("200 OK", "", KEY), answer("500 Oops", "", "")];
    let (mut webhook, _, _) = served(replies, true).await;
    webhook.table = Mutex::new(Table::new(terms(0)));
    check(&webhook, "A", ("known", KeyResult::Found)).await;
    wait(&webhook).await;
    check(&webhook, "A", ("unavailable", KeyResult::Failed)).await;
}

/// Answers that count for a millisecond, and so many seconds beyond it.
fn terms(stale: u64) -> Terms {
    let (ttl, stale) = (Duration::from_millis(1), Duration::from_secs(stale));
    Terms { ttl, negative_ttl: ttl, stale, keys: 10, rate: 1000 }
}

/// Until the answer about `A` is old.
async fn wait(webhook: &Webhook) {
    while matches!(webhook.table().look("A", webhook.now()), Known::Fresh(_)) {
        tokio::task::yield_now().await;
    }
}
