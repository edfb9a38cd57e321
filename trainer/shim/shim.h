// What tch 0.24 does not offer, as a C interface over libtorch's public symbols. src/shim.rs is its only caller.
//
// Every function that can fail returns null, or a message that the caller gives to shim_free. No exception leaves it.
// A `tensor` is tch's: a pointer to at::Tensor.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void *tensor;

void shim_free(char *message);

// libtorch's version, as "2.11.0". Never fails.
const char *shim_torch_version(void);

// Loads CUDA's half of libtorch. Call it before anything asks torch for CUDA: torch remembers the first answer.
char *shim_load_cuda(void);

// Keeps host memory that tensors give back, for the next step, instead of giving it back to the system. Call it first.
void shim_keep_host_memory(void);

// The GPU's name (written to `name`, cut at `capacity`) and its memory, and the versions of the driver, CUDA and cuDNN
// in NVIDIA's own numbering (13000, 91900).
char *shim_device_facts(int device, char *name, size_t capacity, uint64_t *memory_bytes, int64_t *driver, int64_t *cuda,
                        int64_t *cudnn);

// Waits until the GPU has done all that it was given.
char *shim_synchronize(int device);

// The most that the caching allocator had handed out, and had held, since the start or the last reset.
char *shim_peak_memory(int device, uint64_t *allocated_bytes, uint64_t *reserved_bytes);

// TF32 in matrix products (cuBLAS) and in convolutions and recurrent layers (cuDNN).
char *shim_allow_tf32(int allow);

// bf16 autocast from begin to end, of this thread, on the CPU or on CUDA.
char *shim_autocast_begin(int cuda);
char *shim_autocast_end(int cuda);

// Drops the gradients, as torch's zero_grad(set_to_none=True).
char *shim_clear_gradients(const tensor *parameters, size_t count);

// One fused Adam step of all parameters that have a gradient (torch.optim.Adam(fused=True)); `step` counts on the device.
char *shim_adam_step(const tensor *parameters, const tensor *means, const tensor *squares, size_t count, tensor step,
                     double learning_rate, double beta1, double beta2, double epsilon);

// A user annotation from begin to end. Null where nothing records: end takes that too.
void *shim_range_begin(const char *name);
void shim_range_end(void *range);

// Kineto: prepare (tracing on, nothing kept), start (kept from here), stop (saves a Chrome trace).
char *shim_profiler_prepare(int cuda);
char *shim_profiler_start(int cuda);
char *shim_profiler_metadata(const char *key, const char *json);
char *shim_profiler_stop(const char *path);

#ifdef __cplusplus
}
#endif
