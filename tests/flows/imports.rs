//! Owns what people see who were imported with the hashes of their passwords: nothing.
//! Never touches the jobs that import; `management::jobs` does.

use crate::world::{World, query};
use portico_core::{
    admin::Importer,
    email::Email,
    model::{PasswordCredential, is_foreign},
};
use serde_json::{Value, json};

const VECTORS: &str = include_str!("../vectors/foreign_hashes/vectors.json");

/// One person of each vector whose algorithm is one of these.
fn people(algorithms: &[&str]) -> Vec<Value> {
    let rows: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let of =
        |row: &Value| row["custom_password_hash"]["algorithm"].as_str().unwrap_or("password_hash").to_owned();
    rows.into_iter().filter(|row| algorithms.contains(&of(row).as_str())).collect()
}

fn address(person: &Value) -> String {
    format!("{}@imported.test", person["name"].as_str().unwrap())
}

async fn import(world: &World, people: &[Value]) {
    let id = world.seed.database.clone();
    let connection = world.store.read(|unit| Box::pin(async move { unit.connections().find(&id).await }));
    let connection = connection.await.unwrap().unwrap();
    let clock = world.clock.clone();
    let mut importer = Importer::new(connection, &*world.app.connectors, clock, false).await.unwrap();
    for (position, person) in (0..).zip(people) {
        let mut row = json!({ "email": address(person) });
        for name in ["password_hash", "custom_password_hash"] {
            if let Some(hash) = person.get(name) {
                row[name] = hash.clone();
            }
        }
        importer.take(position, row);
    }
    let batch = importer.write(&*world.store, None).await.unwrap();
    assert_eq!(batch.errors, []);
    assert_eq!(batch.summary.inserted, i64::try_from(people.len()).unwrap());
}

async fn credential(world: &World, email: &str) -> PasswordCredential {
    let (id, email) = (world.seed.database.clone(), Email::parse(email).unwrap());
    let found = world.store.read(|unit| {
        Box::pin(async move { unit.credentials().find_by_identifier(&id, email.canonical()).await })
    });
    found.await.unwrap().unwrap()
}

/// Whether this password opens the account to somebody at this address.
async fn opens(world: &World, ip: [u8; 4], email: &str, password: &str) -> bool {
    let mut browser = world.browser_at(ip);
    world.begin(&mut browser, &world.seed.plain, &[]).await;
    let page = browser.submit(&[("username", email), ("password", password)]).await.unwrap();
    let opened = query(&page.url).contains_key("code");
    assert!(opened || page.status == 400, "{} {}", page.url, page.text());
    opened
}

async fn everybody_logs_in(algorithms: &[&str]) {
    let (world, people) = (World::new().await, people(algorithms));
    assert_eq!(people.len(), 10 * algorithms.len());
    import(&world, &people).await;
    for (n, person) in (0_u8..).zip(&people) {
        let (email, password) = (address(person), person["password"].as_str().unwrap());
        let ip = [10, 0, 1, n];
        assert!(is_foreign(credential(&world, &email).await.password_hash.as_ref().unwrap()), "{email}");
        assert!(!opens(&world, ip, &email, "not-the-password").await, "{email}");
        assert!(opens(&world, ip, &email, password).await, "{email}: the old password opens it");
        let ours = credential(&world, &email).await.password_hash.unwrap();
        assert!(ours.expose().starts_with("$argon2id$v=19$m=64,"), "{email}: it is one of ours now");
        assert!(!opens(&world, ip, &email, "not-the-password").await, "{email}");
        assert!(opens(&world, ip, &email, password).await, "{email}: and opens it again");
        assert_eq!(credential(&world, &email).await.password_hash.unwrap().expose(), ours.expose());
    }
}

#[tokio::test]
async fn db_19_everybody_with_a_digest_logs_in_with_the_old_password() {
    everybody_logs_in(&["md4", "md5", "sha1", "sha256", "sha512"]).await;
}

#[tokio::test]
async fn db_19_everybody_with_hmac_or_from_a_directory_logs_in_with_the_old_password() {
    everybody_logs_in(&["hmac", "ldap"]).await;
}

#[tokio::test]
async fn db_19_everybody_with_bcrypt_logs_in_with_the_old_password() {
    everybody_logs_in(&["bcrypt", "password_hash"]).await;
}

#[tokio::test]
async fn db_19_everybody_with_a_slow_hash_logs_in_with_the_old_password() {
    everybody_logs_in(&["argon2", "pbkdf2", "scrypt"]).await;
}
