#include "shim.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/record_function.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Logging.h>
#include <torch/csrc/autograd/profiler_kineto.h>
#include <torch/csrc/profiler/kineto_shim.h>
#include <torch/version.h>

#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// The one way out of every function: what was thrown becomes a message.
template <typename Body> char *guarded(Body body) {
  try {
    body();
    return nullptr;
  } catch (const c10::Error &error) {
    return strdup(error.what_without_backtrace());
  } catch (const std::exception &error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("an unknown C++ exception");
  }
}

const at::Tensor &at_tensor(tensor pointer) { return *static_cast<const at::Tensor *>(pointer); }

c10::DeviceType device_type(int cuda) { return cuda ? c10::DeviceType::CUDA : c10::DeviceType::CPU; }

// libcuda is the driver's own library: it knows names and sizes without torch's CUDA headers.
template <typename Function> Function driver_function(const char *name) {
  static void *driver = dlopen("libcuda.so.1", RTLD_NOW);
  void *symbol = driver ? dlsym(driver, name) : nullptr;
  if (!symbol) {
    throw std::runtime_error(std::string("the NVIDIA driver (libcuda.so.1) gives no ") + name);
  }
  return reinterpret_cast<Function>(symbol);
}

void driver_call(int code, const char *what) {
  if (code != 0) {
    throw std::runtime_error(std::string(what) + " failed with CUDA error " + std::to_string(code));
  }
}

using torch::profiler::impl::ActivityType;
using torch::profiler::impl::ProfilerConfig;
using torch::profiler::impl::ProfilerState;

// Shapes and memory, as the analyzer wants them; no stacks (there is no Python here).
ProfilerConfig profiler_config() {
  return ProfilerConfig(ProfilerState::KINETO, /*report_input_shapes=*/true, /*profile_memory=*/true);
}

std::set<ActivityType> activities(int cuda) {
  std::set<ActivityType> chosen{ActivityType::CPU};
  if (cuda) {
    chosen.insert(ActivityType::CUDA);
  }
  return chosen;
}

} // namespace

extern "C" {

void shim_free(char *message) { free(message); }

const char *shim_torch_version(void) { return TORCH_VERSION; }

char *shim_load_cuda(void) {
  return guarded([] {
    if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) {
      const char *why = dlerror();
      throw std::runtime_error(why ? why : "libtorch_cuda.so does not load");
    }
  });
}

void shim_keep_host_memory(void) {
  // torch has no allocator of its own on the CPU. By default glibc maps and unmaps every large tensor and trims the heap
  // after it, so that each step of a U-Net faults in a gigabyte of zeroed pages again: over a tenth of its time on 2 cores.
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
#endif
}

char *shim_device_facts(int device, char *name, size_t capacity, uint64_t *memory_bytes, int64_t *driver, int64_t *cuda,
                        int64_t *cudnn) {
  return guarded([&] {
    int handle = 0;
    int driver_version = 0;
    size_t memory = 0;
    driver_call(driver_function<int (*)(unsigned)>("cuInit")(0), "cuInit");
    driver_call(driver_function<int (*)(int *)>("cuDriverGetVersion")(&driver_version), "cuDriverGetVersion");
    driver_call(driver_function<int (*)(int *, int)>("cuDeviceGet")(&handle, device), "cuDeviceGet");
    driver_call(driver_function<int (*)(char *, int, int)>("cuDeviceGetName")(name, static_cast<int>(capacity), handle),
                "cuDeviceGetName");
    driver_call(driver_function<int (*)(size_t *, int)>("cuDeviceTotalMem_v2")(&memory, handle), "cuDeviceTotalMem");
    *memory_bytes = memory;
    *driver = driver_version;
    *cuda = at::detail::getCUDAHooks().versionCUDART();
    *cudnn = at::detail::getCUDAHooks().versionRuntimeCuDNN();
  });
}

char *shim_synchronize(int device) {
  return guarded([&] { at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(device)); });
}

char *shim_peak_memory(int device, uint64_t *allocated_bytes, uint64_t *reserved_bytes) {
  return guarded([&] {
    const auto total = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    const auto stats =
        c10::getDeviceAllocator(c10::DeviceType::CUDA)->getDeviceStats(static_cast<c10::DeviceIndex>(device));
    *allocated_bytes = static_cast<uint64_t>(stats.allocated_bytes[total].peak);
    *reserved_bytes = static_cast<uint64_t>(stats.reserved_bytes[total].peak);
  });
}

char *shim_allow_tf32(int allow) {
  return guarded([&] {
    at::globalContext().setAllowTF32CuBLAS(allow != 0);
    at::globalContext().setAllowTF32CuDNN(allow != 0);
  });
}

char *shim_autocast_begin(int cuda) {
  return guarded([&] {
    at::autocast::set_autocast_dtype(device_type(cuda), at::kBFloat16);
    at::autocast::set_autocast_enabled(device_type(cuda), true);
    at::autocast::increment_nesting();
  });
}

char *shim_autocast_end(int cuda) {
  return guarded([&] {
    // The cache holds bf16 copies of the weights, which the optimizer is about to change.
    if (at::autocast::decrement_nesting() == 0) {
      at::autocast::clear_cache();
    }
    at::autocast::set_autocast_enabled(device_type(cuda), false);
  });
}

char *shim_clear_gradients(const tensor *parameters, size_t count) {
  return guarded([&] {
    for (size_t i = 0; i < count; ++i) {
      at_tensor(parameters[i]).mutable_grad().reset();
    }
  });
}

char *shim_adam_step(const tensor *parameters, const tensor *means, const tensor *squares, size_t count, tensor step,
                     double learning_rate, double beta1, double beta2, double epsilon) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> values, gradients, first, second;
    for (auto *list : {&values, &gradients, &first, &second}) {
      list->reserve(count);
    }
    for (size_t i = 0; i < count; ++i) {
      const at::Tensor &gradient = at_tensor(parameters[i]).grad();
      if (gradient.defined()) {
        values.push_back(at_tensor(parameters[i]));
        gradients.push_back(gradient);
        first.push_back(at_tensor(means[i]));
        second.push_back(at_tensor(squares[i]));
      }
    }
    at_tensor(step).add_(1);
    // One counter serves all: every parameter has seen the same number of steps.
    const std::vector<at::Tensor> steps(values.size(), at_tensor(step));
    at::_fused_adam_(values, gradients, first, second, /*max_exp_avg_sqs=*/{}, steps, learning_rate, beta1, beta2,
                     /*weight_decay=*/0.0, epsilon, /*amsgrad=*/false, /*maximize=*/false);
  });
}

void *shim_range_begin(const char *name) {
  try {
    auto range = std::make_unique<at::RecordFunction>(at::RecordScope::USER_SCOPE);
    if (!range->isActive()) {
      return nullptr;
    }
    range->before(std::string(name));
    return range.release();
  } catch (...) {
    return nullptr; // an annotation that is not recorded is no reason to end a training
  }
}

void shim_range_end(void *range) { delete static_cast<at::RecordFunction *>(range); }

char *shim_profiler_prepare(int cuda) {
  // torch warns of every block that was allocated before the recording: all weights are.
  FLAGS_caffe2_log_level = std::max(FLAGS_caffe2_log_level, static_cast<int>(::c10::GLOG_ERROR));
  if (!cuda) {
    // Kineto asks for GPUs on a machine without any, and says that there are none as an error.
    setenv("KINETO_LOG_LEVEL", "99", /*overwrite=*/0);
  }
  return guarded([&] { torch::autograd::profiler::prepareProfiler(profiler_config(), activities(cuda)); });
}

char *shim_profiler_start(int cuda) {
  return guarded([&] {
    torch::autograd::profiler::enableProfiler(profiler_config(), activities(cuda), {at::RecordScope::FUNCTION,
                                                                                    at::RecordScope::BACKWARD_FUNCTION,
                                                                                    at::RecordScope::USER_SCOPE});
  });
}

char *shim_profiler_metadata(const char *key, const char *json) {
  return guarded([&] { torch::autograd::profiler::addMetadataJson(key, json); });
}

char *shim_profiler_stop(const char *path) {
  return guarded([&] { torch::autograd::profiler::disableProfiler()->save(path); });
}

} // extern "C"
