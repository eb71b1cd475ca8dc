//! The steps of connecting, told while they happen.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use wirestack::dial::{Event, Trace};
use wirestack::{DialContext, connect_stream};

type Told = Arc<Mutex<Vec<(Duration, Event)>>>;

fn listening() -> (DialContext, Told) {
    let told = Told::default();
    let all = told.clone();
    let context = DialContext::new().on_event(move |at, event| {
        all.lock().expect("the events").push((at, event.clone()));
    });
    (context, told)
}

fn is_whole(told: &Told, trace: &Trace) {
    let told = told.lock().expect("the events");
    let wanted: Vec<_> = trace
        .events()
        .map(|(at, event)| (at, event.clone()))
        .collect();
    assert_eq!(*told, wanted);
    assert!(!wanted.is_empty());
}

#[tokio::test]
async fn each_event_of_a_trace_is_told_once_and_in_its_order() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a listener");
    let at = listener.local_addr().expect("its address");
    let (context, told) = listening();
    let connect = connect_stream(format!("tcp://{at}"))
        .direct()
        .context(context);
    let (connection, trace) = connect.traced().await.expect("a connection");
    is_whole(&told, &trace);
    drop((connection, listener));

    // The error's trace is told whole, too.
    let (context, told) = listening();
    let connect = connect_stream(format!("tcp://{at}"))
        .direct()
        .context(context);
    let error = connect.await.expect_err("nobody listens any more");
    is_whole(&told, error.trace());
}
