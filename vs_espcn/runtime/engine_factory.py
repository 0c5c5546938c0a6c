"""Open the engine of a backend; each runtime's library is loaded on first use."""

from onnx import ModelProto

from vs_espcn.runtime.backends import Backend, OpenVINO, TensorRT, Torch, Vulkan
from vs_espcn.runtime.engine import Engine
from vs_espcn.runtime.tiling import Tiling, whole


def open_engine(backend: Backend, graph: ModelProto, *, lanes: int, tiling: Tiling | None = None) -> Engine:
    """Load a graph on a backend's device.

    Args:
        backend: Where and how to run the graph, with a precision from
            `vs_espcn.runtime.precision.resolved_backend`.
        graph: A model from `vs_espcn.networks.graph.build_graph`, of static shape.
        lanes: Frames in work at once; the engine has one slot for each. On a GPU with too little
            memory it has fewer, unless the backend's settings give their number.
        tiling: How planes are cut into tiles of the graph's size; None if the graph has the planes' size.

    Raises:
        RuntimeMissingError: The runtime cannot be loaded in this process.
        BackendError: The runtime cannot run the graph.

    Example:
        >>> engine = open_engine(OpenVINO(precision="fp32"), graph, lanes=1)
        >>> engine.slots[0].upscale(source, target)
        >>> engine.close()
    """
    if tiling is None:
        height, width = (dim.dim_value for dim in graph.graph.input[0].type.tensor_type.shape.dim[2:4])
        tiling = whole(width, height)
    # Each of these modules loads its runtime.
    match backend:
        case OpenVINO():
            from vs_espcn.runtime.openvino import OpenVINOEngine  # noqa: PLC0415

            return OpenVINOEngine(backend, graph, tiling, lanes=lanes)
        case TensorRT():
            from vs_espcn.runtime.tensorrt.engine import TensorRTEngine  # noqa: PLC0415

            return TensorRTEngine(backend, graph, tiling, lanes=lanes)
        case Torch():
            from vs_espcn.runtime import cuda  # noqa: PLC0415

            cuda.check_driver()  # first, as PyTorch takes seconds to load
            from vs_espcn.runtime.torch import TorchEngine  # noqa: PLC0415

            return TorchEngine(backend, graph, tiling, lanes=lanes)
        case Vulkan():
            from vs_espcn.runtime.vulkan import VulkanEngine  # noqa: PLC0415

            return VulkanEngine(backend, graph, tiling, lanes=lanes)
