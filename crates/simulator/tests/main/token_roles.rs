//! Roles: what an operator lets others make tokens with. Numbers are those of the cases clients
//! know; which policies a role gives is tested where it is decided.

use api::{Error, Operation, Reply};
use serde_json::{Value, json};
use simulator::House;

use crate::token_creation::{MAKER, somebody};
use crate::tokens::{invalid, is_good, make};

async fn write(house: &House, name: &str, body: Value) -> Result<Value, Error> {
    house.root().write(&format!("auth/token/roles/{name}"), body).await
}

async fn read(house: &House, name: &str) -> Value {
    house.root().read(&format!("auth/token/roles/{name}")).await.unwrap()
}

// Case 72.
#[tokio::test]
async fn a_new_role_says_nothing_but_its_name() {
    let house = House::new().await;
    write(&house, "r", json!({})).await.unwrap();
    assert_eq!(
        read(&house, "r").await,
        json!({
            "name": "r", "allowed_policies": [], "disallowed_policies": [],
            "allowed_policies_glob": [], "disallowed_policies_glob": [], "orphan": false,
            "renewable": true, "path_suffix": "", "allowed_entity_aliases": null,
            "token_type": "default-service", "token_period": 0, "period": 0,
            "token_explicit_max_ttl": 0, "explicit_max_ttl": 0, "token_no_default_policy": false
        })
    );
}

// Cases 73 and 74.
#[tokio::test]
async fn what_is_left_out_stays_and_what_is_deleted_is_gone() {
    let house = House::new().await;
    let root = house.root();
    assert_eq!(root.list("auth/token/roles").await, Err(Error::Missing));
    let body = json!({"allowed_policies": "B,a", "token_num_uses": 3, "path_suffix": "happenin"});
    write(&house, "One", body).await.unwrap();
    write(&house, "One", json!({"orphan": true, "token_bound_cidrs": "10.0.0.1/32"}))
        .await
        .unwrap();
    let role = read(&house, "One").await;
    assert_eq!(role["allowed_policies"], json!(["a", "b"]));
    assert_eq!((role["token_num_uses"].as_u64(), role["orphan"].as_bool()), (Some(3), Some(true)));
    assert_eq!((&role["token_bound_cidrs"], role.get("bound_cidrs")), (&json!(["10.0.0.1"]), None));
    assert_eq!(root.list("auth/token/roles").await.unwrap(), json!(["One"]));
    assert_eq!(root.read("auth/token/roles/one").await, Err(Error::Missing), "case matters");
    for _ in 0..2 {
        root.delete("auth/token/roles/One").await.unwrap();
    }
    assert_eq!(root.read("auth/token/roles/One").await, Err(Error::Missing));
}

// Case 80.
#[tokio::test]
async fn of_two_names_the_newer_one_decides() {
    let house = House::new().await;
    let body = json!({
        "token_period": 1, "period": 2, "token_explicit_max_ttl": 3, "explicit_max_ttl": 4,
        "token_bound_cidrs": "10.0.0.1", "bound_cidrs": "10.0.0.2"
    });
    let answer = house.root().ask(Operation::Update, "auth/token/roles/r", body).await;
    assert!(matches!(answer.outcome, Ok(Reply::Data(..))));
    let warning = |name: &str| {
        format!(
            "Both 'token_{name}' and deprecated '{name}' value supplied, ignoring the deprecated \
             value"
        )
    };
    assert_eq!(answer.warnings, ["period", "explicit_max_ttl", "bound_cidrs"].map(warning));
    let role = read(&house, "r").await;
    assert_eq!((role["token_period"].as_u64(), role["period"].as_u64()), (Some(1), Some(0)));
    assert_eq!(role["token_bound_cidrs"], json!(["10.0.0.1"]));
    assert!(role.get("bound_cidrs").is_none());
    write(&house, "r", json!({"period": 5, "bound_cidrs": "::1"})).await.unwrap();
    let role = read(&house, "r").await;
    assert_eq!((role["token_period"].as_u64(), role["period"].as_u64()), (Some(5), Some(5)));
    assert_eq!(
        (&role["token_bound_cidrs"], &role["bound_cidrs"]),
        (&json!(["::1"]), &json!(["::1"]))
    );
}

// Case 81, and what else a role cannot say.
#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let house = House::new().await;
    let batch = "'token_type' cannot be 'batch' when role is set to generate ";
    for (body, refusal) in [
        (json!({"token_type": null}), "Invalid 'token_type' value: null".to_owned()),
        (
            json!({"token_type": "x"}),
            "invalid 'token_type' value; \
             try \"service\", \"batch\", \"default-service\" or \"default-batch\""
                .to_owned(),
        ),
        (
            json!({"path_suffix": "x y ok"}),
            "given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w"
                .to_owned(),
        ),
        (
            json!({"path_suffix": "a..b"}),
            "error registering path suffix: path cannot contain parent references".to_owned(),
        ),
        (json!({"token_num_uses": -1}), "'token_num_uses' cannot be negative".to_owned()),
        (json!({"token_type": "batch"}), format!("{batch}non-orphan tokens")),
        (
            json!({"token_type": "batch", "orphan": true, "token_period": 1}),
            format!("{batch}periodic tokens"),
        ),
        (json!({"token_type": "batch", "orphan": true}), format!("{batch}renewable tokens")),
        (
            json!({"token_type": "batch", "orphan": true, "renewable": false,
                   "explicit_max_ttl": 1}),
            format!("{batch}tokens with an explicit max TTL"),
        ),
        (
            json!({"token_type": "batch", "orphan": true, "renewable": false,
                   "token_num_uses": 1}),
            format!("{batch}tokens with limited use count"),
        ),
    ] {
        assert_eq!(write(&house, "r", body).await, invalid(&refusal));
    }
    for (field, named) in [("token_bound_cidrs", "role fields"), ("bound_cidrs", "bound_cidrs")] {
        let refused = write(&house, "r", json!({field: "nowhere"})).await;
        let Err(Error::Invalid(text)) = refused else { panic!("{field}") };
        assert!(text.starts_with(&format!("error parsing {named}: ")), "{text}");
        assert!(!text.contains("nowhere"));
    }
    assert_eq!(house.root().list("auth/token/roles").await, Err(Error::Missing));
}

// Case 81.
#[tokio::test]
async fn the_kind_of_a_role_is_forced_or_a_default() {
    let house = House::new().await;
    let orphans = |kind: &str| json!({"token_type": kind, "orphan": true, "renewable": false});
    for (of_role, asked, made) in [
        ("service", "batch", "service"),
        ("batch", "service", "batch"),
        ("default-service", "", "service"),
        ("default-service", "batch", "batch"),
        ("default-batch", "", "batch"),
        ("default-batch", "service", "service"),
    ] {
        write(&house, "r", orphans(of_role)).await.unwrap();
        let body = json!({"type": asked, "policies": ["p"]});
        let token = house.root().write("auth/token/create/r", body).await.unwrap();
        assert_eq!(token["token_type"], made, "{of_role} asked for {asked:?}");
        let own = house.holder(token["client_token"].as_str().unwrap());
        assert_eq!(own.read("auth/token/lookup-self").await.unwrap()["role"], "r");
    }
}

#[tokio::test]
async fn a_batch_token_is_no_way_around_the_limits_of_a_role() {
    let house = House::new().await;
    write(&house, "r", json!({"token_num_uses": 1})).await.unwrap();
    let body = json!({"type": "batch", "policies": ["p"]});
    let refused = house.root().write("auth/token/create/r", body).await;
    assert_eq!(refused, invalid("batch tokens cannot have \"num_uses\" set"));
}

// Case 75, and who may use a role.
#[tokio::test]
async fn a_role_gives_what_its_user_has_not() {
    let house = House::new().await;
    let maker = somebody(&house, &[("maker", MAKER)]).await;
    write(&house, "r", json!({"allowed_policies": "p", "path_suffix": "happenin"})).await.unwrap();
    let made = maker.write("auth/token/create/r", json!({})).await.unwrap();
    assert_eq!(made["policies"], json!(["default", "p"]));
    let own = house.holder(made["client_token"].as_str().unwrap());
    let own = own.read("auth/token/lookup-self").await.unwrap();
    assert_eq!((&own["path"], &own["role"]), (&json!("auth/token/create/r/happenin"), &json!("r")));
    assert_eq!(own["orphan"], false);
    let refused = maker.write("auth/token/create/nope", json!({})).await;
    assert_eq!(refused, invalid("unknown role nope"));
    let refused = maker.write("auth/token/create/r", json!({"policies": ["root"]})).await;
    assert!(matches!(refused, Err(Error::Invalid(text)) if text.contains("must be subset")));
    // A role that names root gives it to nobody who has it not.
    write(&house, "r", json!({"allowed_policies": "root"})).await.unwrap();
    let refused = maker.write("auth/token/create/r", json!({})).await;
    assert_eq!(refused, invalid("root tokens may not be created without parent token being root"));
}

// Case 76.
#[tokio::test]
async fn the_period_of_a_role_renews_whatever_is_asked_for() {
    let house = House::new().await;
    write(&house, "r", json!({"token_period": 5})).await.unwrap();
    let made = house.root().write("auth/token/create/r", json!({"policies": ["p"]})).await.unwrap();
    assert_eq!(made["lease_duration"], 5);
    let token = house.holder(made["client_token"].as_str().unwrap());
    for _ in 0..10 {
        house.wait(4);
        let renewed = token.write("auth/token/renew-self", json!({"increment": 1000})).await;
        assert_eq!(renewed.unwrap()["lease_duration"], 5);
    }
    let own = token.read("auth/token/lookup-self").await.unwrap();
    assert!(own.get("period").is_none());
}

// Case 77.
#[tokio::test]
async fn of_two_limits_the_smaller_one_holds_also_at_renewals() {
    let house = House::new().await;
    write(&house, "r", json!({"token_period": 100})).await.unwrap();
    let body = json!({"policies": ["p"], "period": 60, "explicit_max_ttl": 90});
    let made = house.root().write("auth/token/create/r", body).await.unwrap();
    assert_eq!(made["lease_duration"], 60);
    let token = house.holder(made["client_token"].as_str().unwrap());
    house.wait(50);
    let renewed = token.write("auth/token/renew-self", json!({})).await.unwrap();
    assert_eq!(renewed["lease_duration"], 40);
    write(&house, "r", json!({"token_period": 10})).await.unwrap();
    let renewed = token.write("auth/token/renew-self", json!({})).await.unwrap();
    assert_eq!(renewed["lease_duration"], 10, "the role as it is now");
}

// Case 78.
#[tokio::test]
async fn a_last_end_beyond_the_system_s_warns_and_is_cut() {
    let house = House::new().await;
    let body = json!({"token_explicit_max_ttl": 3_000_000});
    let answer = house.root().ask(Operation::Update, "auth/token/roles/r", body).await;
    let start = "Given explicit max TTL of 3000000 is greater than system/mount allowed value of \
                 2764800 seconds; ";
    assert!(answer.warnings[0].starts_with(start));
    let body = json!({"ttl": "800h", "policies": ["default"]});
    let answer = house.root().ask(Operation::Update, "auth/token/create/r", body).await;
    assert_eq!(
        answer.warnings,
        ["TTL of \"800h\" exceeded the effective max_ttl of \"768h\"; TTL value is capped \
          accordingly"]
    );
}

// Case 79.
#[tokio::test]
async fn the_last_end_of_a_role_is_not_shown_and_holds() {
    let house = House::new().await;
    write(&house, "r", json!({"token_explicit_max_ttl": 100})).await.unwrap();
    let body = json!({"policies": ["p"], "ttl": 60});
    let made = house.root().write("auth/token/create/r", body).await.unwrap();
    let text = made["client_token"].as_str().unwrap();
    let token = house.holder(text);
    let own = token.read("auth/token/lookup-self").await.unwrap();
    assert_eq!((own["explicit_max_ttl"].as_u64(), own["ttl"].as_u64()), (Some(0), Some(60)));
    for (waited, left) in [(50, 50), (30, 20), (15, 5)] {
        house.wait(waited);
        let renewed = token.write("auth/token/renew-self", json!({})).await.unwrap();
        assert_eq!(renewed["lease_duration"], left);
    }
    // The role gets stricter: its end has come before the token's has.
    write(&house, "r", json!({"token_explicit_max_ttl": 90})).await.unwrap();
    let refused = token.write("auth/token/renew-self", json!({})).await;
    assert_eq!(refused, Err(Error::Failed("past the max TTL, cannot renew".to_owned())));
    house.wait(5);
    assert!(!is_good(&house, text).await);
}

#[tokio::test]
async fn without_its_role_no_token_is_renewed() {
    let house = House::new().await;
    write(&house, "r", json!({"token_num_uses": 9})).await.unwrap();
    let body = json!({"policies": ["default"]});
    let made = house.root().write("auth/token/create/r", body).await.unwrap();
    assert_eq!(made["num_uses"], 9);
    house.root().delete("auth/token/roles/r").await.unwrap();
    let token = house.holder(made["client_token"].as_str().unwrap());
    let refused = token.write("auth/token/renew-self", json!({})).await;
    let text = "failed to renew entry: original token role \"r\" could not be found, not renewing";
    assert_eq!(refused, Err(Error::Failed(text.to_owned())));
    assert_eq!(token.read("auth/token/lookup-self").await.unwrap()["num_uses"], 7);
}

// Case 88.
#[tokio::test]
async fn a_role_lets_tokens_be_made_for_others() {
    let house = House::new().await;
    let body = json!({"allowed_entity_aliases": "Bob,team-*", "allowed_policies": "p"});
    write(&house, "r", body).await.unwrap();
    let aliases = read(&house, "r").await["allowed_entity_aliases"].clone();
    assert_eq!(aliases, json!(["bob", "team-*"]));
    let create = async |alias: &str| {
        let body = json!({"entity_alias": alias});
        house.root().write("auth/token/create/r", body).await
    };
    let first = create("BOB").await.unwrap();
    let entity = first["entity_id"].as_str().unwrap();
    assert_eq!(create("bob").await.unwrap()["entity_id"], entity);
    let other = create("team-one").await.unwrap();
    assert!(other["entity_id"].as_str().is_some_and(|id| !id.is_empty() && id != entity));
    for refused in ["eve", "bobby", "team", " ", "team-\nx"] {
        assert_eq!(create(refused).await, invalid("invalid 'entity_alias' value"), "{refused}");
    }
    let own = house.holder(first["client_token"].as_str().unwrap());
    assert_eq!(own.read("auth/token/lookup-self").await.unwrap()["entity_id"], entity);
}

#[tokio::test]
async fn making_a_role_and_changing_one_are_two_rights() {
    let house = House::new().await;
    write(&house, "old", json!({})).await.unwrap();
    for (capability, new, old) in [("create", true, false), ("update", false, true)] {
        let text = format!(r#"path "auth/token/roles/*" {{ capabilities = ["{capability}"] }}"#);
        let caller = somebody(&house, &[(capability, &text)]).await;
        for (name, allowed) in [(capability, new), ("old", old)] {
            let path = format!("auth/token/roles/{name}");
            let written = caller.write(&path, json!({})).await;
            assert_eq!(written, if allowed { Ok(Value::Null) } else { Err(Error::Denied) });
        }
    }
}

/// A policy for one role holds for no other.
#[tokio::test]
async fn who_may_use_one_role_may_not_use_another() {
    let house = House::new().await;
    for name in ["mine", "yours"] {
        write(&house, name, json!({"allowed_policies": "p"})).await.unwrap();
    }
    let text = r#"path "auth/token/create/mine" { capabilities = ["update"] }"#;
    let maker = somebody(&house, &[("mine", text)]).await;
    assert!(maker.write("auth/token/create/mine", json!({})).await.is_ok());
    for path in ["auth/token/create/yours", "auth/token/create", "auth/token/create/Mine"] {
        assert_eq!(maker.write(path, json!({})).await, Err(Error::Denied), "{path}");
    }
    assert!(is_good(&house, &make(&house.root(), json!({})).await).await);
}
