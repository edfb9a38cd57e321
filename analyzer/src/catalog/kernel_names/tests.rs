//! Names from recorded traces, shortened only where the rest repeats.

use super::*;

const ADD: &str = "void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>, std::array<char*, 3ul> >(int, at::native::CUDAFunctor_add<float>, std::array<char*, 3ul>)";
const CLAMP: &str = "void at::native::vectorized_elementwise_kernel<4, at::native::(anonymous namespace)::launch_clamp_scalar(at::TensorIteratorBase&, c10::Scalar, c10::Scalar, at::native::detail::ClampLimits)::{lambda()#1}::operator()() const::{lambda()#7}::operator()() const::{lambda(float)#1}, std::array<char*, 2ul> >(int, at::native::(anonymous namespace)::launch_clamp_scalar(at::TensorIteratorBase&)::{lambda(float)#1})";
const NAN_TO_NUM: &str = "void at::native::vectorized_elementwise_kernel<4, at::native::nan_to_num_kernel_cuda(at::TensorIteratorBase&, c10::optional<double>, c10::optional<double>, c10::optional<double>)::{lambda()#1}::operator()() const::{lambda()#2}::operator()() const::{lambda(float)#1}, at::detail::Array<char*, 2> >(int)";
const STRIDED_MUL: &str = "void at::native::elementwise_kernel<128, 4, at::native::gpu_kernel_impl_nocast<at::native::BinaryFunctor<c10::BFloat16, c10::BFloat16, c10::BFloat16, at::native::binary_internal::MulFunctor<float> > >(at::TensorIteratorBase&, at::native::BinaryFunctor<c10::BFloat16, c10::BFloat16, c10::BFloat16, at::native::binary_internal::MulFunctor<float> > const&)::{lambda(int)#1}>(int)";
const SUM: &str = "void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::func_wrapper_t<float, at::native::sum_functor<float, float, float>::operator()(at::TensorIterator&)::{lambda(float, float)#1}>, unsigned int, float, 4> >(at::native::ReduceOp<float>)";
const ARANGE: &str = "void (anonymous namespace)::elementwise_kernel_with_index<int, at::native::arange_cuda_out(c10::Scalar const&, c10::Scalar const&, c10::Scalar const&, at::Tensor&)::{lambda()#1}::operator()() const::{lambda()#4}::operator()() const::{lambda(long)#1}>(int)";
const ADAM: &str = "void at::native::(anonymous namespace)::multi_tensor_apply_kernel<at::native::(anonymous namespace)::FusedOptimizerTensorListMetadata<4>, at::native::(anonymous namespace)::FusedAdamMathFunctor<float, 4, (at::native::ADAM_MODE)1, false>, float const*, double, double>(at::native::(anonymous namespace)::FusedOptimizerTensorListMetadata<4>)";
const SCALE_AND_ADD: &str = "void at::native::(anonymous namespace)::multi_tensor_apply_kernel<at::native::(anonymous namespace)::TensorListMetadata<2>, at::native::(anonymous namespace)::BinaryOpListAlphaFunctor<float, 2, 2, 0>, std::plus<float>, float>(at::native::(anonymous namespace)::TensorListMetadata<2>)";
const CAT: &str = "void at::native::(anonymous namespace)::CatArrayBatchedCopy<float, unsigned int, 3, 64, 64>(float*, at::native::(anonymous namespace)::CatArrInputTensorMetadata<float, unsigned int, 64, 64>)";
const SOFTMAX: &str = "void (anonymous namespace)::softmax_warp_forward<float, float, float, 10, false, false>(float*, float const*, int)";
const TENSOROP: &str = "void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_64x64_64x6_tn_align8>(cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_64x64_64x6_tn_align8::Params)";
const TF32_GEMM: &str = "void cutlass::Kernel<cutlass_80_tensorop_s1688gemm_128x64_32x6_nt_align1>(cutlass_80_tensorop_s1688gemm_128x64_32x6_nt_align1::Params)";
const SIMT: &str = "void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>(cutlass_80_simt_sgemm_128x32_8x5_nn_align1::Params)";
const GEMV: &str = "std::enable_if<!(false), void>::type internal::gemvx::kernel<int, int, float, float, float, float, false, true, false, false, 6, false, cublasGemvParams<cublasGemvTensorStridedBatched<float const>, float> >(cublasGemvParams<cublasGemvTensorStridedBatched<float const>, float>)";
const SMALL_GEMM: &str = "void gemmSN_NN_kernel<float, 256, 4, 2, 8, 4, 4, false, cublasGemvTensorStridedBatched<__nv_bfloat16 const>, cublasGemvTensorStridedBatched<__nv_bfloat16> >(cublasGemmSmallNParams<float>)";
const WGRAD: &str = "sm90_xmma_wgrad_indexed_implicit_gemm_f32f32_tf32f32_f32_nhwckrsc_nhwc_tilesize128x128x32_warpgroupsize1x1x1_g1_execute_segment_k_off_kernel__5x_cudnn";
const FFMA: &str = "sm80_xmma_gemm_f32f32_f32f32_f32_nn_n_tilesize128x64x8_stage3_warpsize2x2x1_ffma_aligna4_alignc4_execute_kernel__5x_cublas";
const FP8_XMMA: &str = "sm90_xmma_gemm_e4m3bf16_e4m3f32_f32_tn_n_tilesize128x128x128_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas";
const NVJET: &str = "nvjet_sm90_tst_64x48_64x15_2x4_h_bz_bias_TNT";
const SDPA: &str =
    "cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_7_64x128x64_4x1x1_cga1x1x1_kernel0_0";
const FLASH: &str = "void pytorch_flash::flash_fwd_kernel<pytorch_flash::Flash_fwd_kernel_traits<64, 128, 128, 4, false, false, cutlass::bfloat16_t, pytorch_flash::Flash_kernel_traits<64, 128, 128, 4, cutlass::bfloat16_t> >, false, false>(pytorch_flash::Flash_fwd_params)";
const SPLIT_K: &str = "void cublasLt::splitKreduce_kernel<32, 16, int, float, float, float, float, false, float, float, float, true, false, false, false>(cublasLt::cublasSplitKParams<float>)";
const TO_NHWC: &str = "void cudnn::engines_precompiled::nchwToNhwcKernel<__nv_bfloat16, __nv_bfloat16, float, false, true, (cudnnKernelDataType_t)0>(cudnn::engines_precompiled::nchw2nhwc_params_t<float>)";
const BATCH_NORM: &str =
    "void cudnn::bn_bw_1C11_kernel_new<float, float, float2, 512, true, 1>(float, float, float, float)";
const LSTM_CELL: &str = "void LSTM_elementWise_bp1<float, float, float>(int, int, float*)";
const TENSILE_BF16: &str = "Cijk_Alik_Bljk_BBS_BH_Bias_HA_S_SAV_UserArgs_MT256x192x64_MI16x16x1_SN_LDSB1_AFC1_AFEM1_AFEM1_ASEM1_CLR1_CADS0_WS64_WG32_8_1";
const MANGLED: &str = "_ZN17cutlass__5x_cudnn6KernelINS_4conv6kernel23ImplicitGemmConvolutionINS1_11threadblock22ImplicitGemmMultistageINS_10tfloat32_tEEEEEEvNT_6ParamsE";
const KV_CACHE: &str = "void vllm::reshape_and_cache_flash_kernel<__hip_bfloat16, __hip_bfloat16, (vllm::Fp8KVCacheDataType)0>(__hip_bfloat16 const*)";
const ALL_REDUCE: &str = "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage<4096ul>)";
const BROADCAST: &str = "ncclKernel_Broadcast_RING_LL_Sum_int8_t(ncclDevComm*, unsigned long, ncclWork*)";

#[test]
fn what_runs_on_tensor_cores() {
    for name in [
        TENSOROP,
        TF32_GEMM,
        WGRAD,
        FP8_XMMA,
        NVJET,
        SDPA,
        FLASH,
        MANGLED,
        TENSILE_BF16,
        "nvjet_sm100_qqtst_128x256_128x6_2x1_2cta_h_bz_TNT",
        "cutlass3x_sm100_tensorop_h256x128x16gemm_f16_f16_f32_void_f16",
        "void cutlass::device_kernel<at::cuda::detail::enable_3x_kernel_for_sm9x<cutlass::gemm::kernel::GemmUniversal<cute::SM90_64x128x16_F32BF16BF16_SS> > >",
        "sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32_nhwckrsc_nchw_tilesize128x128x16_tensor16x8x8_execute_kernel",
        "volta_fp16_s884gemm_fp16_128x64_ldg8_f2f_nn",
        "turing_fp16_h1688gemm_128x128_ldg8_stages_32x1_nn",
        "void tcgen05_matmul_kernel<float>(float*)",
        "igemm_fwd_gtcx2_nhwc_bf16_bx0_ex1_bt64x64x64",
        "fmha_cutlassF_bf16_aligned_64x64_rf_sm80(PyTorchMemEffAttention::AttentionKernel::Params)",
    ] {
        assert_eq!(uses_tensor_cores(name), Some(true), "{name}");
    }
}

#[test]
fn what_is_known_to_do_without() {
    for name in [
        ADD,
        CLAMP,
        SUM,
        ADAM,
        CAT,
        SOFTMAX,
        SIMT,
        GEMV,
        SMALL_GEMM,
        FFMA,
        SPLIT_K,
        TO_NHWC,
        BATCH_NORM,
        LSTM_CELL,
        ALL_REDUCE,
        "ampere_sgemm_32x32_sliced1x4_tn",
        "ampere_scudnn_winograd_128x128_ldg1_ldg4_relu_tile148t_nt_v1",
        "SubTensorOpWithScalar1d",
        "void cudnn::fusion::compute_dot_do_o_specialized<true, 64>(void const*)",
        "triton_poi_fused__to_copy_1",
        "Memset (Device)",
    ] {
        assert_eq!(uses_tensor_cores(name), Some(false), "{name}");
    }
}

#[test]
fn what_a_name_does_not_tell() {
    for name in [
        "attn_fwd",
        "triton_tem_fused_mm_3",
        "Cijk_Alik_Bljk_SB_MT64x64x8_SE_K1",
        "mystery",
        "void RNN_blockPersist_fp_LSTM<float>()",
        "",
    ] {
        assert_eq!(uses_tensor_cores(name), None, "{name}");
    }
}

#[test]
fn the_precision_of_a_name() {
    for (name, precision) in [
        (ADD, Some("fp32")),
        (CLAMP, Some("fp32")),
        (NAN_TO_NUM, Some("fp32")),
        (STRIDED_MUL, Some("bf16")),
        (SUM, Some("fp32")),
        (ADAM, Some("fp32")),
        (ARANGE, None),
        (SIMT, Some("fp32")),
        (TF32_GEMM, Some("tf32")),
        (WGRAD, Some("tf32")),
        (FFMA, Some("fp32")),
        (FP8_XMMA, Some("fp8")),
        (TENSOROP, Some("bf16")),
        (SMALL_GEMM, Some("bf16")),
        (FLASH, Some("bf16")),
        (KV_CACHE, Some("bf16")),
        (TO_NHWC, Some("bf16")),
        (MANGLED, Some("tf32")),
        (TENSILE_BF16, Some("bf16")),
        (ALL_REDUCE, Some("fp32")),
        // cuDNN calls bf16 attention f16 too, and NCCL moves any bytes as int8.
        (SDPA, None),
        (BROADCAST, None),
        (NVJET, Some("bf16")),
        ("nvjet_hsh_64x8_64x16_4x1_v_bz_TNN", Some("fp16")),
        ("nvjet_sm100_qqtst_128x256_128x6_2x1_2cta_h_bz_TNT", Some("fp8")),
        ("nvjet_sm103_ootst_128x64", None),
        ("turing_fp16_s1688gemm_fp16_128x128_ldg8_f2f_nn", Some("fp16")),
        ("volta_dgemm_64x64_nn", Some("fp64")),
        (
            "void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<double>, std::array<char*, 1ul> >(int)",
            Some("fp64"),
        ),
        (
            "void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<c10::Half>, std::array<char*, 3ul> >(int)",
            Some("fp16"),
        ),
        ("Cijk_Ailk_Bjlk_HHS_BH_MT128x64x32_MI32x32x8", Some("fp16")),
        ("Cijk_Ailk_Bljk_SB_MT64x64x16_MI16x16x1", Some("fp32")),
        ("ampere_igemm_int8_128x128_ldg4_nt", Some("int8")),
        ("triton_poi_fused_add_0", None),
        ("Memcpy DtoH (Device -> Pageable)", None),
        ("void broken<float", Some("fp32")),
        ("", None),
    ] {
        assert_eq!(kernel_precision(name), precision, "{name}");
    }
}

#[test]
fn short_names_say_what_is_computed_on_what() {
    for (name, short) in [
        (ADD, "vectorized_elementwise_kernel<CUDAFunctor_add<float>>"),
        (CLAMP, "vectorized_elementwise_kernel<launch_clamp_scalar<float>>"),
        (STRIDED_MUL, "elementwise_kernel<BinaryFunctor<MulFunctor<float>, BFloat16>>"),
        (SUM, "reduce_kernel<sum_functor<float>>"),
        (ARANGE, "elementwise_kernel_with_index<arange_cuda_out<long>>"),
        (SCALE_AND_ADD, "multi_tensor_apply_kernel<BinaryOpListAlphaFunctor<float>, plus<float>>"),
        (CAT, "CatArrayBatchedCopy<float>"),
        (SOFTMAX, "softmax_warp_forward<float>"),
        (TENSOROP, "cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_64x64_64x6_tn_align8"),
        (GEMV, "gemvx::kernel<cublasGemvParams<cublasGemvTensorStridedBatched<float>>>"),
        (FLASH, "flash_fwd_kernel<Flash_fwd_kernel_traits<Flash_kernel_traits<bfloat16_t>>>"),
        (BATCH_NORM, "bn_bw_1C11_kernel_new<float, float2>"),
        (ALL_REDUCE, "ncclDevKernel_AllReduce_Sum_f32_RING_LL"),
        (WGRAD, "sm90_xmma_wgrad_indexed_gemm_f32f32_tf32f32_f32_nhwc_128x128x32_segment_k_off"),
        (TENSILE_BF16, "Cijk_Alik_Bljk_BBS_BH_Bias_HA_S_SAV_UserArgs_MT256x192x64_MI16x16x1…S64_WG32_8_1"),
        (SDPA, "cudnn_generated_fort_native_sdpa_sm90_flash_fpr…x128x64_4x1x1_cga1x1x1_kernel0_0"),
        (NVJET, NVJET),
    ] {
        assert_eq!(short_name(name), short);
    }
}

#[test]
fn names_outside_of_c_plus_plus_stay() {
    for name in [
        "Memcpy HtoD (Pageable -> Device)",
        "triton_red_fused_add_mean_mul_pow_rsqrt_0",
        "attn_fwd",
        "_Z3foov",
        ">>",
        "a::b",
        " ",
    ] {
        assert_eq!(short_name(name), name);
    }
    assert_eq!(short_name(""), "");
    assert_eq!(short_name("mha_kernel [clone .kd]"), "mha_kernel");
}

/// Files are cut, damaged and hostile: whatever comes, an answer, in 80 characters, and not an empty one.
#[test]
fn any_text_is_answered() {
    let deep = "a<".repeat(20_000);
    let closed = ">".repeat(20_000);
    let mut names = vec![
        deep,
        closed,
        "(".repeat(20_000),
        ":".repeat(999),
        "void :::<:::>(::)".into(),
        "é<ü>(…)".into(),
        "<>()".into(),
        "void ".into(),
    ];
    for name in [ADD, CLAMP, SUM, GEMV, STRIDED_MUL] {
        names.extend((1..name.len()).flat_map(|cut| [name[..cut].to_owned(), name[cut..].to_owned()]));
    }
    for name in names {
        let short = short_name(&name);
        assert!((1..=80).contains(&short.chars().count()), "{name}: {short}");
        let _ = (uses_tensor_cores(&name), kernel_precision(&name));
    }
}
