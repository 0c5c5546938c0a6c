"""Execution contexts, and the kernels that TensorRT-RTX compiles when it makes them.

TensorRT compiles kernels into the plan. TensorRT-RTX compiles them for the GPU
at hand when a context is made, and again for every shape that a plan for many
sizes meets; where it has a cache for them, it is filled and kept.
"""

from typing import Any

from vs_espcn.runtime.tensorrt.api import TensorRTApi


class ContextMaker:
    """Makes the execution contexts of one engine, whose working memory the caller provides."""

    def __init__(self, api: TensorRTApi, engine: Any, kernels: bytes | None) -> None:  # noqa: ANN401 - TensorRT has no types
        """Begin with what is compiled already.

        Args:
            api: The library.
            engine: Its loaded engine; it must outlive the contexts.
            kernels: What `compiled` gave earlier; foreign ones are not used.
        """
        strategy = api.module.ExecutionContextAllocationStrategy.USER_MANAGED
        self._api, self._engine = api, engine
        self._settings = strategy
        self._cache: Any = None
        self._is_kept = False
        if not api.compiles_late:
            return
        # Shape-specialised kernels at once: a frame that is recorded before they are there runs without them.
        specialisation = api.module.DynamicShapesKernelSpecializationStrategy.EAGER
        self._settings = engine.create_runtime_config()
        self._settings.set_execution_context_allocation_strategy(strategy)
        self._settings.dynamic_shapes_kernel_specialization_strategy = specialisation
        self._cache = self._settings.create_runtime_cache()
        self._is_kept = kernels is not None and bool(self._cache.deserialize(kernels))
        self._settings.set_runtime_cache(self._cache)

    def make(self) -> Any:  # noqa: ANN401 - TensorRT has no types
        """A context.

        Raises:
            BackendError: It cannot be made.
        """
        what = "cannot make an execution context"
        return self._api.checked(what, self._engine.create_execution_context, self._settings)

    def compiled(self) -> bytes | None:
        """The kernels of the contexts so far; None if those given at the start were used."""
        if self._cache is None or self._is_kept:
            return None
        serialized = self._cache.serialize()
        return None if serialized is None else bytes(serialized) or None
