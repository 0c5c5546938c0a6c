/* A double of the CUDA driver API on the CPU, for tests: it proves the order of
 * work, who owns which memory and what may be done while a graph is recorded,
 * nothing about a GPU.
 *
 * Work that is put on a stream runs only when the host waits for that stream,
 * so a missing wait shows as stale bytes; streams that several threads wait
 * for run at the same time. "Device" memory is filled with garbage when it is
 * allocated. Work on memory that was freed, that is not large enough, of
 * another GPU, or that another stream is still to work on is a violation.
 * Once a GPU has failed, every call says so. Functions that are not modelled
 * return CUDA_ERROR_NOT_SUPPORTED.
 *
 *   cc -shared -fPIC -o libcuda.so.1 libcuda.c -lpthread -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include "objects.h"

/* Without a return in it. */
#define LOCKED(expression) ({ pthread_mutex_lock(&lock); __auto_type value = (expression); \
    pthread_mutex_unlock(&lock); value; })

void double_set(const char *name, long value) {
    pthread_mutex_lock(&lock);
    *setting(name) = value;
    if (!strcmp(name, "fail_in"))
        for (int i = 0; i < MOST_DEVICES; i++) contexts[i].broken = 0;
    pthread_mutex_unlock(&lock);
}
long double_get(const char *name) { return LOCKED(*setting(name)); }

static void append(Queue *queue, const Op *op) {
    Op *copy = malloc(sizeof *copy);
    *copy = *op;
    copy->next = NULL;
    if (queue->tail) queue->tail->next = copy; else queue->head = copy;
    queue->tail = copy;
}
static void append_all(Queue *queue, const Queue *others) {
    for (const Op *op = others->head; op; op = op->next) append(queue, op);
}

/* Whether all memory that an operation needs is there, on its stream's GPU and pinned. */
static int is_sound(const Op *op, const Object *stream) {
    for (int i = 0; i < op->range_count; i++) {
        const Object *memory = memory_of(op->ranges[i]);
        if (!memory || (memory->kind == DEVICE_MEMORY && memory->device != stream->device)) {
            violation(memory ? "work on another GPU's memory" : "work on memory that is not there");
            return 0;
        }
    }
    return 1;
}
static void claim(const Op *op, Object *stream) {
    for (int i = 0; i < op->range_count; i++) {
        Object *memory = memory_of(op->ranges[i]);
        if (memory->pending && memory->user != stream) violation("two streams work on the same memory at once");
        memory->user = stream;
        memory->pending++;
    }
}
static int usable(void *handle, Object **stream) {
    int code = check_current();
    *stream = live(handle, STREAM);
    return code ? code : *stream && (*stream)->device == current->device ? SUCCESS : INVALID_HANDLE;
}
static int enqueue(void *handle, Op op) {
    Object *stream;
    int code = usable(handle, &stream);
    if (!code && !is_sound(&op, stream)) code = INVALID_VALUE;
    if (stream && stream->capturing) {
        if (code) stream->invalid = 1;
        if (stream->invalid) return code ? code : CAPTURE_INVALIDATED;
        append(&stream->captured, &op);
    } else if (!code) {
        claim(&op, stream);
        append(&stream->work, &op);
    }
    return code;
}

/* The next operation, or NULL at the end of the queue or once the GPU has failed. */
static Op *next_of(Object *stream) {
    Context *context = &contexts[stream->device];
    Op *op = stream->work.head;
    if (!op || context->broken) return NULL;
    long *countdown = setting("fail_in");
    if (!is_sound(op, stream) || (op->kind != MARK && *countdown && !--*countdown)) {
        context->broken = 1;
        return NULL;
    }
    stream->work.head = op->next;
    if (!op->next) stream->work.tail = NULL;
    return op;
}
static void finish(Op *op) {
    for (int i = 0; i < op->range_count; i++) {
        Object *memory = memory_of(op->ranges[i]);
        if (memory) memory->pending--; else violation("memory is freed while work runs on it");
    }
    if (op->kind == COPY) ++*setting("copies");
    if (op->kind == MARK) op->event->done = 1;
    free(op);
}
/* Runs what is on a stream, without the lock, as other threads run other streams. */
static int run(Object *stream) {
    pthread_mutex_lock(&stream->running);
    for (Op *op; (op = LOCKED(next_of(stream)));) {
        if (op->kind == COPY)
            for (size_t row = 0; row < op->height; row++)
                memcpy(op->target + row * op->target_pitch, op->source + row * op->source_pitch, op->width);
        else if (op->kind == KERNEL) op->function(op->argument);
        pthread_mutex_lock(&lock);
        finish(op);
        pthread_mutex_unlock(&lock);
    }
    pthread_mutex_unlock(&stream->running);
    return LOCKED(failure(stream));
}
static int may_wait(Object *stream) {
    ++*setting("waits");
    if (!stream) return INVALID_HANDLE;
    if (failure(stream)) return failure(stream);
    if (stream->capturing) { stream->invalid = 1; return CAPTURE_UNSUPPORTED; }
    return unsafe();
}

int cuInit(unsigned flags) { (void)flags; return *setting("devices") ? SUCCESS : NO_DEVICE; }
int cuDriverGetVersion(int *version) { *version = *setting("driver"); return SUCCESS; }
int cuDeviceGetCount(int *number) { *number = *setting("devices"); return SUCCESS; }
int cuDeviceGet(int *device, int index) { *device = index; return index < *setting("devices") ? SUCCESS : INVALID_DEVICE; }
int cuDeviceGetName(char *name, int length, int device) {
    snprintf(name, length, "Double %d%s", device, *setting("mig") ? " MIG 1g.10gb" : "");
    return SUCCESS;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    if (attribute != 75 && attribute != 76) return NOT_SUPPORTED;
    *value = *setting(attribute == 75 ? "major" : "minor");
    if (attribute == 76 && device == 1 && *setting("minor1") >= 0) *value = *setting("minor1");
    return SUCCESS;
}

static int retain(int device) {
    if (*setting("exclusive")) return DEVICE_UNAVAILABLE;
    if (!contexts[device].references++) ++*setting("contexts");
    contexts[device].device = device;
    return SUCCESS;
}
static int let_go(int device) {
    if (--contexts[device].references) return SUCCESS;
    for (Object *each = objects, *next; each; each = next) {
        next = each->next;
        if (each->device != device) continue;
        if (!each->orphan) violation("a context goes while something of it lives");
        each->orphan = 1;
    }
    return SUCCESS;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &contexts[device]; return LOCKED(retain(device)); }
int cuDevicePrimaryCtxRelease_v2(int device) { return LOCKED(let_go(device)); }
int cuCtxSetCurrent(void *context) { current = context; return context ? LOCKED(check_current()) : SUCCESS; }
static int memory_info(size_t *unused, size_t *total) {
    int code = check_current();
    if (!code) *unused = *setting("free") - taken(current->device);
    *total = 1L << 34;
    return code;
}
int cuMemGetInfo_v2(size_t *unused, size_t *total) { return LOCKED(memory_info(unused, total)); }
int cuMemHostAlloc(void **memory, size_t nbytes, unsigned flags) { (void)flags; return LOCKED(allocate(HOST_MEMORY, memory, nbytes)); }
int cuMemFreeHost(void *memory) { return LOCKED(release(HOST_MEMORY, memory)); }
int cuMemAlloc_v2(uint64_t *address, size_t nbytes) { return LOCKED(allocate(DEVICE_MEMORY, (void **)address, nbytes)); }
int cuMemFree_v2(uint64_t address) { return LOCKED(release(DEVICE_MEMORY, (void *)(uintptr_t)address)); }

int cuStreamCreate(void **stream, unsigned flags) { (void)flags; return LOCKED(create(STREAM, stream)); }
int cuStreamDestroy_v2(void *stream) { return LOCKED(destroy(stream, STREAM)); }
int cuStreamSynchronize(void *handle) {
    Object *stream = LOCKED(live(handle, STREAM));
    int code = LOCKED(may_wait(stream));
    return code ? code : run(stream);
}
int cuEventCreate(void **event, unsigned flags) { (void)flags; return LOCKED(create(EVENT, event)); }
int cuEventDestroy_v2(void *event) { return LOCKED(destroy(event, EVENT)); }
static int record(void *handle, void *stream) {
    Object *event = live(handle, EVENT);
    if (!event) return INVALID_HANDLE;
    event->stream = stream;
    event->done = 0;
    return enqueue(stream, (Op){.kind = MARK, .event = event});
}
int cuEventRecord(void *event, void *stream) { return LOCKED(record(event, stream)); }
int cuEventSynchronize(void *handle) {
    Object *event = LOCKED(live(handle, EVENT));
    if (!event) return INVALID_HANDLE;
    if (!event->stream || event->done) return LOCKED(failure(event));
    return cuStreamSynchronize(event->stream);
}

static int copy(void *stream, int to_device, int from_device, Op op) {
    op.kind = COPY;
    op.ranges[0] = (Range){op.target, (op.height - 1) * op.target_pitch + op.width, to_device};
    op.ranges[1] = (Range){(char *)op.source, (op.height - 1) * op.source_pitch + op.width, from_device};
    op.range_count = 2;
    return LOCKED(enqueue(stream, op));
}
int cuMemcpyHtoDAsync_v2(uint64_t target, const void *source, size_t nbytes, void *stream) {
    return copy(stream, 1, 0, (Op){.target = (char *)(uintptr_t)target, .source = source, .width = nbytes, .height = 1});
}
int cuMemcpyDtoHAsync_v2(void *target, uint64_t source, size_t nbytes, void *stream) {
    return copy(stream, 0, 1, (Op){.target = target, .source = (char *)(uintptr_t)source, .width = nbytes, .height = 1});
}
int cuMemcpyDtoDAsync_v2(uint64_t target, uint64_t source, size_t nbytes, void *stream) {
    return copy(stream, 1, 1, (Op){.target = (char *)(uintptr_t)target, .source = (char *)(uintptr_t)source, .width = nbytes, .height = 1});
}
typedef struct { size_t x, y; unsigned type; char *host; uint64_t device; void *array; size_t pitch; } End;
typedef struct { End source, target; size_t width, height; } Copy2D; /* as CUDA_MEMCPY2D */
static char *end_of(const End *end) {
    return (end->type == 1 ? end->host : (char *)(uintptr_t)end->device) + end->y * end->pitch + end->x;
}
int cuMemcpy2DAsync_v2(const Copy2D *given, void *stream) {
    return copy(stream, given->target.type == 2, given->source.type == 2, (Op){
        .target = end_of(&given->target), .source = end_of(&given->source), .width = given->width,
        .height = given->height, .target_pitch = given->target.pitch, .source_pitch = given->source.pitch});
}

/* For fakes of libraries: a kernel that works on some device memory, and objects in the current context. */
int double_kernel(void *stream, void (*function)(void *), int count, const uint64_t *addresses, const uint64_t *sizes) {
    Op op = {.kind = KERNEL, .function = function, .range_count = count};
    for (int i = 0; i < count; i++) op.ranges[i] = (Range){(char *)(uintptr_t)addresses[i], sizes[i], 1};
    return LOCKED(enqueue(stream, op));
}
void *double_hold(void) {
    pthread_mutex_lock(&lock);
    if (check_current() == INVALID_CONTEXT) { violation("a library is used without a context"); abort(); }
    Object *object = add(FOREIGN);
    pthread_mutex_unlock(&lock);
    return object;
}
void double_drop(Object *object) {
    pthread_mutex_lock(&lock);
    if (object->orphan) violation("a library's object outlives its context");
    if (unsafe()) violation("a library's object goes while a frame is recorded"); /* it frees memory */
    drop(object);
    pthread_mutex_unlock(&lock);
}
int double_is_capturing(void *stream) { return LOCKED(live(stream, STREAM) ? ((Object *)stream)->capturing : 0); }

static int begin_capture(void *handle, void *graph, int mode) {
    Object *stream;
    int code = usable(handle, &stream);
    if (code || stream->capturing) return code ? code : ILLEGAL_STATE;
    if (graph && !live(graph, GRAPH)) return INVALID_HANDLE;
    stream->capturing = 1;
    stream->graph = graph;
    stream->mode = mode;
    stream->owner = &self;
    stream->invalid = 0;
    return SUCCESS;
}
static int end_capture(void *handle, void **graph) {
    Object *stream = live(handle, STREAM);
    *graph = NULL;
    if (!stream || !stream->capturing) return failure(stream) ? failure(stream) : ILLEGAL_STATE;
    if (stream->mode != RELAXED && stream->owner != &self) { stream->invalid = 1; return CAPTURE_WRONG_THREAD; }
    int code = stream->invalid ? CAPTURE_INVALIDATED : *setting("fail_capture") ? CAPTURE_UNJOINED : check_current();
    stream->capturing = 0;
    Object *recorded = stream->graph;
    if (!code || *setting("fail_capture") == 2) *graph = recorded ? recorded : (recorded = add(GRAPH));
    if (!code) append_all(&recorded->work, &stream->captured);
    discard(&stream->captured);
    return code;
}
static int instantiate(void **handle, void *graph) {
    if (!live(graph, GRAPH)) return INVALID_HANDLE;
    int code = create(EXECUTABLE, handle);
    if (!code) append_all(&((Object *)*handle)->work, &((Object *)graph)->work);
    return code;
}
static int launch(void *handle, void *target) {
    Object *executable = live(handle, EXECUTABLE), *stream;
    int code = usable(target, &stream);
    if (!code && (!executable || executable->device != stream->device)) code = INVALID_HANDLE;
    for (Op *op = code ? NULL : executable->work.head; op && !code; op = op->next) code = enqueue(target, *op);
    ++*setting("launches");
    return code;
}
int cuStreamBeginCapture_v2(void *stream, int mode) { return LOCKED(begin_capture(stream, NULL, mode)); }
int cuStreamBeginCaptureToGraph(void *stream, void *graph, const void *nodes, const void *data, size_t count, int mode) {
    (void)nodes; (void)data;
    return count ? NOT_SUPPORTED : LOCKED(begin_capture(stream, graph, mode));
}
int cuGraphCreate(void **graph, unsigned flags) { (void)flags; return LOCKED(create(GRAPH, graph)); }
int cuStreamEndCapture(void *stream, void **graph) { return LOCKED(end_capture(stream, graph)); }
int cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long flags) { (void)flags; return LOCKED(instantiate(executable, graph)); }
int cuGraphLaunch(void *executable, void *stream) { return LOCKED(launch(executable, stream)); }
int cuGraphExecDestroy(void *executable) { return LOCKED(destroy(executable, EXECUTABLE)); }
int cuGraphDestroy(void *graph) { return LOCKED(destroy(graph, GRAPH)); }

static const char *name_of(int code) {
    switch (code) {
    case OUT_OF_MEMORY: return "CUDA_ERROR_OUT_OF_MEMORY";
    case DEVICE_UNAVAILABLE: return "CUDA_ERROR_DEVICE_UNAVAILABLE";
    case ILLEGAL_ADDRESS: return "CUDA_ERROR_ILLEGAL_ADDRESS";
    default: return "an error of the double";
    }
}
int cuGetErrorName(int code, const char **name) { *name = name_of(code); return SUCCESS; }
int cuGetErrorString(int code, const char **text) { *text = name_of(code); return SUCCESS; }

static int missing(void) { return NOT_SUPPORTED; }
int cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *status) {
    static const char *const suffixes[] = {"_v2", "WithFlags", ""};
    static void *library;
    (void)version; (void)flags;
    if (!library) {
        Dl_info info;
        dladdr((void *)cuInit, &info);
        library = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    }
    *function = NULL;
    for (size_t i = 0; i < 3 && !*function; i++) {
        char symbol[128];
        snprintf(symbol, sizeof symbol, "%s%s", name, suffixes[i]);
        *function = dlsym(library, symbol);
    }
    if (!*function) *function = (void *)missing;
    if (status) *status = 0;
    return SUCCESS;
}
