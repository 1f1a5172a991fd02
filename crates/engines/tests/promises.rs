//! What holds for every path of every engine.

use api::{Class, Corner, Engine, Path, describe};

fn engines() -> impl Iterator<Item = &'static Engine> {
    engines::AUTH_METHODS.iter().chain(engines::SECRETS_ENGINES).copied()
}

fn paths() -> impl Iterator<Item = (&'static Engine, Path)> {
    engines().flat_map(|engine| (engine.paths)().into_iter().map(move |path| (engine, path)))
}

#[test]
fn every_endpoint_is_documented() {
    for (engine, path) in paths() {
        let place = format!("{} {}", engine.name, path.pattern.regex());
        assert!(path.summary.ends_with('.'), "{place}: {:?}", path.summary);
        assert!(path.description.ends_with('.'), "{place}: {:?}", path.description);
        let help = describe::path_help(&path, "x");
        assert!(!help.contains("<no description>"), "{place}: {help}");
        assert!(path.operations().count() > 0, "{place} does nothing");
    }
    for engine in engines() {
        assert!(engine.help.ends_with('.'), "{}: {:?}", engine.name, engine.help);
    }
}

#[test]
fn no_two_paths_are_meant_at_once() {
    for engine in engines() {
        let paths = (engine.paths)();
        for (place, path) in paths.iter().enumerate() {
            let example = path.pattern.example("word");
            let rivals = paths.iter().enumerate().filter(|(other, rival)| {
                *other != place
                    && rival.pattern.captures(&example).is_some()
                    && rival.pattern.generality() == path.pattern.generality()
            });
            assert_eq!(rivals.count(), 0, "{} {example}", engine.name);
        }
    }
}

#[test]
fn every_engine_is_listed_under_its_class_and_only_one_answers() {
    assert!(engines::AUTH_METHODS.iter().all(|engine| engine.class == Class::Auth));
    assert!(engines::SECRETS_ENGINES.iter().all(|engine| engine.class == Class::Secret));
    for (name, version) in [
        ("userpass", None),
        ("cubbyhole", None),
        ("kv", None),
        ("kv", Some("")),
        ("kv", Some("1")),
        ("kv", Some("2")),
    ] {
        let options = version.map(|text| ("version".to_owned(), text.to_owned()));
        let options = options.into_iter().collect();
        let answering = engines().filter(|engine| engine.answers_to(name, &options)).count();
        assert_eq!(answering, 1, "{name} {version:?}");
    }
}

#[test]
fn only_logging_in_is_open_to_strangers() {
    let public: Vec<_> = paths()
        .filter(|(_, path)| path.reached.public)
        .map(|(engine, path)| format!("{}{}", engine.name, path.pattern.openapi()))
        .collect();
    assert_eq!(public, ["userpass/login/{username}"]);
}

#[test]
fn people_look_after_themselves_and_nothing_else() {
    let own: Vec<_> = paths()
        .filter(|(_, path)| path.reached.own_users)
        .map(|(engine, path)| format!("{}{}", engine.name, path.pattern.openapi()))
        .collect();
    let expected = ["self", "self/password", "self/sessions", "self/sessions/{accessor}"];
    assert_eq!(own, expected.map(|path| format!("userpass/{path}")));
}

#[test]
fn names_are_folded_wherever_they_stand() {
    for (_, path) in paths().filter(|(engine, _)| engine.name == "userpass") {
        let named = path.pattern.parameters().any(|parameter| parameter == "username");
        assert_eq!(path.reached.folds_names, named, "{}", path.pattern.openapi());
    }
}

#[test]
fn only_the_cubbyhole_belongs_to_the_token() {
    let own: Vec<_> = engines().filter(|engine| engine.corner == Corner::Token).collect();
    assert_eq!(own.iter().map(|engine| engine.name).collect::<Vec<_>>(), ["cubbyhole"]);
}
