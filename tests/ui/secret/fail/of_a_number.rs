use factum::Secret;

fn main() {
    let pin = Secret::new(1234);
    drop(pin);
}
