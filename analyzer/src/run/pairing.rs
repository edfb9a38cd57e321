//! Which runs belong together: repeats group by (model, device, variant), and each CUDA group of a model stands beside
//! the CPU group of that model in fp32 and default layout (CONTRACT, "Pairing").

use super::results::DeviceKind;
use crate::text::Untrusted;
use std::collections::BTreeMap;

/// What repeats of one run have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct GroupKey {
    /// The model.
    pub model: Untrusted,
    /// The kind of device; `None` where neither results.json nor the name says it.
    pub device: Option<DeviceKind>,
    /// What differs from fp32 and default layout; empty for nothing.
    pub variant: Untrusted,
}

/// Repeats of one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// What they have in common.
    pub key: GroupKey,
    /// Their positions among the runs given, ascending.
    pub members: Vec<usize>,
}

/// A CPU group and a CUDA group of one model, as positions among the groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pair {
    /// The CPU group.
    pub cpu: usize,
    /// The CUDA group.
    pub gpu: usize,
}

/// All groups and pairs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pairing {
    /// The groups, by model, device and variant.
    pub groups: Vec<Group>,
    /// The pairs, by model and variant of the CUDA group.
    pub pairs: Vec<Pair>,
    /// The groups that are in no pair.
    pub unpaired: Vec<usize>,
}

impl GroupKey {
    /// The key of the group that this one is compared with: the same model on the CPU, fp32, default layout.
    fn reference(&self) -> Self {
        Self { model: self.model.clone(), device: Some(DeviceKind::Cpu), variant: Untrusted::default() }
    }
}

/// Groups and pairs the runs with these keys.
#[must_use]
pub fn pair(keys: impl IntoIterator<Item = GroupKey>) -> Pairing {
    let mut members: BTreeMap<GroupKey, Vec<usize>> = BTreeMap::new();
    for (position, key) in keys.into_iter().enumerate() {
        members.entry(key).or_default().push(position);
    }
    let groups: Vec<Group> = members.into_iter().map(|(key, members)| Group { key, members }).collect();
    let pairs: Vec<Pair> = groups
        .iter()
        .enumerate()
        .filter(|(_, group)| group.key.device == Some(DeviceKind::Cuda))
        .filter_map(|(gpu, group)| {
            let cpu = groups.binary_search_by(|other| other.key.cmp(&group.key.reference())).ok()?;
            Some(Pair { cpu, gpu })
        })
        .collect();
    let paired = |group: usize| pairs.iter().any(|pair| pair.cpu == group || pair.gpu == group);
    let unpaired = (0..groups.len()).filter(|&group| !paired(group)).collect();
    Pairing { groups, pairs, unpaired }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> Vec<GroupKey> {
        names
            .iter()
            .map(|name| {
                let parsed = super::super::naming::run_name(name);
                let (model, variant) = (parsed.model.into(), parsed.variant.into());
                GroupKey { model, device: parsed.device, variant }
            })
            .collect()
    }

    fn pairs(names: &[&str]) -> Vec<(Vec<usize>, Vec<usize>)> {
        let found = pair(keys(names));
        let members = |group: usize| found.groups[group].members.clone();
        found.pairs.iter().map(|pair| (members(pair.cpu), members(pair.gpu))).collect()
    }

    #[test]
    fn repeats_group_and_each_cuda_group_meets_the_cpu_group() {
        let names = ["unet_cpu", "unet_cuda", "unet_cuda_tf32", "unet_cpu.2", "lstm_cuda", "lstm_cpu", "unet_cuda.2"];
        let expected =
            [(vec![5], vec![4]), (vec![0, 3], vec![1, 6]), (vec![0, 3], vec![2])].map(|(cpu, gpu)| (cpu, gpu));
        assert_eq!(pairs(&names), expected);
        assert_eq!(pair(keys(&names)).unpaired, Vec::<usize>::new());
    }

    #[test]
    fn only_the_plain_cpu_group_is_a_reference() {
        let found = pair(keys(&["unet_cpu_bf16", "unet_cuda", "other"]));
        assert_eq!(found.pairs, []);
        assert_eq!(found.unpaired, [0, 1, 2]);
    }
}
