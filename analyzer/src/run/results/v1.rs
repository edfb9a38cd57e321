//! `schema_version` 1: what `trainer` writes (CONTRACT, "runs/").
//!
//! `model` and `device.kind` must be there. Every other part may be absent; one that is there must have its own fields,
//! but for those that some runs cannot have (a CPU's memory, a loss that was not a number).

use super::fields::{FLAG, Fields, SECONDS, TEXT, WHOLE};
use super::{Device, DeviceKind, Epoch, Host, PeakMemory, Problem, Profile, Results, Score, Software};
use crate::run::config::Config;
use crate::table::Recorded;

/// Reads this shape.
pub(super) fn read(fields: &Fields<'_>) -> Result<Results, Problem> {
    Ok(Results {
        model: Recorded::Yes(fields.required("model", TEXT, fields.text("model")?)?),
        parameters: fields.whole("parameters")?,
        device: Recorded::Yes(fields.required("device", "an object", fields.part("device", device)?)?),
        host: fields.part("host", host)?,
        software: fields.part("software", software)?,
        config: fields.part("config", config)?,
        score: score(fields)?,
        epochs: fields.parts("epochs", epoch)?,
        steps: fields.all_seconds("step_seconds")?,
        warm_up_steps: fields.whole("warmup_steps")?,
        total: fields.seconds("total_seconds")?,
        peak_memory: fields.part("peak_memory", peak_memory)?.value().unwrap_or(PeakMemory::UNRECORDED),
        profile: fields.part("profile", profile)?,
        complete: fields.flag("complete")?,
    })
}

fn device(fields: &Fields<'_>) -> Result<Device, Problem> {
    let kind = fields.required("kind", TEXT, fields.text("kind")?)?;
    Ok(Device {
        kind: DeviceKind::from_torch(kind.raw()),
        name: fields.text("name")?,
        count: fields.whole("count")?,
        memory: fields.bytes("memory_bytes")?,
    })
}

fn host(fields: &Fields<'_>) -> Result<Host, Problem> {
    Ok(Host {
        cpu: fields.required("cpu", TEXT, fields.text("cpu")?)?,
        cores: required_whole(fields, "cores")?,
        threads: required_whole(fields, "threads")?,
    })
}

fn software(fields: &Fields<'_>) -> Result<Software, Problem> {
    Ok(Software {
        torch: fields.required("torch", TEXT, fields.text("torch")?)?,
        cuda: fields.text("cuda")?,
        cudnn: fields.text("cudnn")?,
        trainer: fields.required("trainer", TEXT, fields.text("trainer")?)?,
    })
}

fn config(fields: &Fields<'_>) -> Result<Config, Problem> {
    let whole = |key| required_whole(fields, key).map(Recorded::Yes);
    let learning_rate = fields.number("learning_rate")?;
    let channels_last = fields.flag("channels_last")?;
    Ok(Config {
        epochs: whole("epochs")?,
        batch_size: whole("batch_size")?,
        train_samples: whole("train_samples")?,
        test_samples: whole("test_samples")?,
        learning_rate: Recorded::Yes(fields.required("learning_rate", "a number", learning_rate)?),
        seed: whole("seed")?,
        precision: Recorded::Yes(fields.required("precision", TEXT, fields.text("precision")?)?),
        channels_last: Recorded::Yes(fields.required("channels_last", FLAG, channels_last)?),
        image_size: fields.whole("image_size")?,
        sequence_length: fields.whole("sequence_length")?,
    })
}

fn score(fields: &Fields<'_>) -> Result<Recorded<Score>, Problem> {
    match fields.text("metric")? {
        Recorded::No(why) => Ok(Recorded::No(why)),
        Recorded::Yes(name) => match name.raw() {
            "dice" => Ok(Recorded::Yes(Score::Dice)),
            "accuracy" => Ok(Recorded::Yes(Score::Accuracy)),
            _ => Err(fields.wrong("metric", "\"dice\" or \"accuracy\"")),
        },
    }
}

fn epoch(fields: &Fields<'_>) -> Result<Epoch, Problem> {
    let seconds = fields.seconds("seconds")?;
    Ok(Epoch {
        number: required_whole(fields, "epoch")?,
        train_loss: fields.number("train_loss")?,
        test_loss: fields.number("test_loss")?,
        train_score: fields.number("train_metric")?,
        test_score: fields.number("test_metric")?,
        time: Recorded::Yes(fields.required("seconds", SECONDS, seconds)?),
    })
}

fn peak_memory(fields: &Fields<'_>) -> Result<PeakMemory, Problem> {
    Ok(PeakMemory {
        host: fields.bytes("host_bytes")?,
        device_allocated: fields.bytes("device_allocated_bytes")?,
        device_reserved: fields.bytes("device_reserved_bytes")?,
    })
}

fn profile(fields: &Fields<'_>) -> Result<Profile, Problem> {
    Ok(Profile { steps: required_whole(fields, "steps")?, trace: fields.text("trace")? })
}

fn required_whole(fields: &Fields<'_>, key: &str) -> Result<u64, Problem> {
    fields.required(key, WHOLE, fields.whole(key)?)
}
