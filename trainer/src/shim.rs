//! What tch does not offer, made safe: the profiler, precision switches, fused Adam, the allocator's statistics.
//!
//! This file and `shim/` are the only places of `unsafe` and of C++ in the project. Each function here wraps one of
//! `shim/shim.h`; a message that comes back becomes a [`TorchError`].
#![expect(unsafe_code, reason = "the C interface over libtorch; nothing outside this file touches a raw pointer")]

use crate::error::TorchError;
use std::ffi::{CStr, CString, c_char, c_double, c_int, c_void};
use std::path::Path;
use tch::kind::Element;
use tch::{Device, Tensor};

type RawTensor = *const c_void;

unsafe extern "C" {
    fn shim_free(message: *mut c_char);
    fn shim_torch_version() -> *const c_char;
    fn shim_load_cuda() -> *mut c_char;
    fn shim_keep_host_memory();
    fn shim_device_facts(
        device: c_int,
        name: *mut c_char,
        capacity: usize,
        memory_bytes: *mut u64,
        driver: *mut i64,
        cuda: *mut i64,
        cudnn: *mut i64,
    ) -> *mut c_char;
    fn shim_synchronize(device: c_int) -> *mut c_char;
    fn shim_peak_memory(device: c_int, allocated_bytes: *mut u64, reserved_bytes: *mut u64) -> *mut c_char;
    fn shim_allow_tf32(allow: c_int) -> *mut c_char;
    fn shim_autocast_begin(cuda: c_int) -> *mut c_char;
    fn shim_autocast_end(cuda: c_int) -> *mut c_char;
    fn shim_clear_gradients(parameters: *const RawTensor, count: usize) -> *mut c_char;
    fn shim_adam_step(
        parameters: *const RawTensor,
        means: *const RawTensor,
        squares: *const RawTensor,
        count: usize,
        step: RawTensor,
        learning_rate: c_double,
        beta1: c_double,
        beta2: c_double,
        epsilon: c_double,
    ) -> *mut c_char;
    fn shim_range_begin(name: *const c_char) -> *mut c_void;
    fn shim_range_end(range: *mut c_void);
    fn shim_profiler_prepare(cuda: c_int) -> *mut c_char;
    fn shim_profiler_start(cuda: c_int) -> *mut c_char;
    fn shim_profiler_metadata(key: *const c_char, json: *const c_char) -> *mut c_char;
    fn shim_profiler_stop(path: *const c_char) -> *mut c_char;
}

/// Takes a message of the shim over: null is success.
fn check(message: *mut c_char) -> Result<(), TorchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a message that is not null is a C string of the shim's own, freed here and nowhere else.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        shim_free(message);
        text
    };
    Err(TorchError::from_message(text))
}

fn text(text: &str) -> Result<CString, TorchError> {
    CString::new(text).map_err(|_| TorchError::from_message(format!("{text:?} holds a zero byte")))
}

fn index(device: Device) -> Option<c_int> {
    match device {
        Device::Cuda(index) => c_int::try_from(index).ok(),
        _ => None,
    }
}

fn is_cuda(device: Device) -> c_int {
    c_int::from(device.is_cuda())
}

/// The raw tensors of a list. They live as long as the list that they are borrowed from.
fn raw(tensors: &[Tensor]) -> Vec<RawTensor> {
    tensors.iter().map(|tensor| tensor.as_ptr().cast::<c_void>()).collect()
}

/// libtorch's version, as `2.11.0`.
pub(crate) fn torch_version() -> String {
    // SAFETY: a constant of the shim.
    unsafe { CStr::from_ptr(shim_torch_version()) }.to_string_lossy().into_owned()
}

/// Loads CUDA's half of libtorch. To be called before anything asks torch for CUDA.
///
/// # Errors
/// Where the library is absent or does not load, with the loader's own words.
pub(crate) fn load_cuda() -> Result<(), TorchError> {
    // SAFETY: no arguments.
    check(unsafe { shim_load_cuda() })
}

/// Keeps host memory that tensors give back, for the next step: torch caches none on the CPU. To be called first.
pub(crate) fn keep_host_memory() {
    // SAFETY: sets two of the allocator's parameters.
    unsafe { shim_keep_host_memory() }
}

/// What is known of a GPU. Versions are in NVIDIA's numbering: 13000 is CUDA 13.0, 91900 is cuDNN 9.19.0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DeviceFacts {
    pub(crate) name: String,
    pub(crate) memory_bytes: u64,
    pub(crate) driver: i64,
    pub(crate) cuda: i64,
    pub(crate) cudnn: i64,
}

/// The facts of GPU number `device`.
///
/// # Errors
/// Where the driver is absent or refuses.
pub(crate) fn device_facts(device: usize) -> Result<DeviceFacts, TorchError> {
    let device =
        c_int::try_from(device).map_err(|_| TorchError::from_message(format!("no GPU has number {device}")))?;
    let mut name = vec![0_u8; 256];
    let mut facts = DeviceFacts { name: String::new(), memory_bytes: 0, driver: 0, cuda: 0, cudnn: 0 };
    // SAFETY: every pointer is to a live local; the name is written within its capacity and ends in a zero.
    check(unsafe {
        shim_device_facts(
            device,
            name.as_mut_ptr().cast(),
            name.len(),
            &raw mut facts.memory_bytes,
            &raw mut facts.driver,
            &raw mut facts.cuda,
            &raw mut facts.cudnn,
        )
    })?;
    facts.name = CStr::from_bytes_until_nul(&name).unwrap_or_default().to_string_lossy().into_owned();
    Ok(facts)
}

/// Waits until `device` has done all that it was given; the CPU always has.
///
/// # Errors
/// Where something that the GPU was given has failed.
pub(crate) fn synchronize(device: Device) -> Result<(), TorchError> {
    let Some(index) = index(device) else { return Ok(()) };
    // SAFETY: a plain number.
    check(unsafe { shim_synchronize(index) })
}

/// The most memory of a GPU that tensors held, and that the caching allocator held, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PeakMemory {
    pub(crate) allocated_bytes: u64,
    pub(crate) reserved_bytes: u64,
}

/// The peak of `device` since the process started; `None` on the CPU, which has no such allocator.
///
/// # Errors
/// Where torch refuses.
pub(crate) fn peak_memory(device: Device) -> Result<Option<PeakMemory>, TorchError> {
    let Some(index) = index(device) else { return Ok(None) };
    let mut peak = PeakMemory { allocated_bytes: 0, reserved_bytes: 0 };
    // SAFETY: both pointers are to live locals.
    check(unsafe { shim_peak_memory(index, &raw mut peak.allocated_bytes, &raw mut peak.reserved_bytes) })?;
    Ok(Some(peak))
}

/// A tensor of one dimension in host memory that holds `values`.
///
/// tch's own `from_slice` fills its tensor with zeros first, with all of torch's threads from 32,768 values on: on a busy
/// machine a step waited 11 ms for the last of them (`aten::zeros` in recorded traces). This one copies and no more.
///
/// # Errors
/// Where torch refuses; out of memory is one way.
pub(crate) fn host_tensor<T: Element>(values: &[T]) -> Result<Tensor, TorchError> {
    let count = i64::try_from(values.len()).map_err(|_| TorchError::from_message("too many values".to_owned()))?;
    let tensor = Tensor::f_empty([count], (T::KIND, Device::Cpu))?;
    // SAFETY: a new tensor, so contiguous, not shared and apart from `values`, of as many elements of the same kind.
    unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), tensor.data_ptr().cast::<T>(), values.len()) };
    Ok(tensor)
}

/// Allows or forbids TF32 in matrix products and in cuDNN alike: libtorch's defaults differ between the two.
///
/// # Errors
/// Where torch refuses.
pub(crate) fn allow_tf32(allow: bool) -> Result<(), TorchError> {
    // SAFETY: a plain number.
    check(unsafe { shim_allow_tf32(c_int::from(allow)) })
}

/// bf16 autocast for as long as it lives.
pub(crate) struct Autocast {
    cuda: c_int,
}

impl Autocast {
    /// Begins bf16 autocast on this thread.
    ///
    /// # Errors
    /// Where torch refuses.
    pub(crate) fn bf16(device: Device) -> Result<Self, TorchError> {
        let cuda = is_cuda(device);
        // SAFETY: a plain number.
        check(unsafe { shim_autocast_begin(cuda) })?;
        Ok(Self { cuda })
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        // SAFETY: ends what `bf16` began. It only sets flags; a failure would have shown at the beginning.
        drop(check(unsafe { shim_autocast_end(self.cuda) }));
    }
}

/// Drops the gradients of `parameters`.
///
/// # Errors
/// Where torch refuses.
pub(crate) fn clear_gradients(parameters: &[Tensor]) -> Result<(), TorchError> {
    let parameters = raw(parameters);
    // SAFETY: the tensors outlive the call.
    check(unsafe { shim_clear_gradients(parameters.as_ptr(), parameters.len()) })
}

/// The numbers of Adam (Kingma and Ba 2015, algorithm 1).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct AdamNumbers {
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
}

/// One fused Adam step. `means` and `squares` are the running moments, in the order and shapes of `parameters`; `step`
/// (f32, no dimension) counts on the device.
///
/// # Errors
/// Where torch refuses; out of memory is one way.
pub(crate) fn adam_step(
    parameters: &[Tensor],
    means: &[Tensor],
    squares: &[Tensor],
    step: &Tensor,
    numbers: AdamNumbers,
) -> Result<(), TorchError> {
    if means.len() != parameters.len() || squares.len() != parameters.len() {
        return Err(TorchError::from_message("Adam's moments do not match its parameters".to_owned()));
    }
    let (parameters, means, squares) = (raw(parameters), raw(means), raw(squares));
    // SAFETY: three lists of one length, of tensors that outlive the call.
    check(unsafe {
        shim_adam_step(
            parameters.as_ptr(),
            means.as_ptr(),
            squares.as_ptr(),
            parameters.len(),
            step.as_ptr().cast::<c_void>(),
            numbers.learning_rate,
            numbers.beta1,
            numbers.beta2,
            numbers.epsilon,
        )
    })
}

/// A user annotation in the trace for as long as it lives; nothing where no profiler records.
pub(crate) struct Range(*mut c_void);

impl Range {
    /// Begins an annotation.
    pub(crate) fn new(name: &CStr) -> Self {
        // SAFETY: the name is copied before the call returns.
        Self(unsafe { shim_range_begin(name.as_ptr()) })
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        // SAFETY: what `new` made, ended once; null is allowed.
        unsafe { shim_range_end(self.0) }
    }
}

/// Turns tracing on without keeping anything yet: its first step is slow and not to be recorded.
///
/// # Errors
/// Where Kineto refuses.
pub(crate) fn profiler_prepare(device: Device) -> Result<(), TorchError> {
    // SAFETY: a plain number.
    check(unsafe { shim_profiler_prepare(is_cuda(device)) })
}

/// Records from here on.
///
/// # Errors
/// Where Kineto refuses.
pub(crate) fn profiler_start(device: Device) -> Result<(), TorchError> {
    // SAFETY: a plain number.
    check(unsafe { shim_profiler_start(is_cuda(device)) })
}

/// Adds `key`, with JSON for its value, to the trace that is being recorded.
///
/// # Errors
/// Where Kineto refuses.
pub(crate) fn profiler_metadata(key: &str, json: &str) -> Result<(), TorchError> {
    let (key, json) = (text(key)?, text(json)?);
    // SAFETY: both strings are copied before the call returns.
    check(unsafe { shim_profiler_metadata(key.as_ptr(), json.as_ptr()) })
}

/// Ends the recording and writes it to `path` as Chrome JSON.
///
/// # Errors
/// Where Kineto refuses. A full disk is none of its errors: the caller checks the file.
pub(crate) fn profiler_stop(path: &Path) -> Result<(), TorchError> {
    let path = text(&path.to_string_lossy())?;
    // SAFETY: the string is copied before the call returns.
    check(unsafe { shim_profiler_stop(path.as_ptr()) })
}
