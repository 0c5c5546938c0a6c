/* A double of the CUDA driver API on the CPU, for tests: it proves the order of
 * work and who owns which memory, nothing about a GPU.
 *
 * Work that is put on a stream runs only when the host waits for that stream,
 * so a missing wait shows as stale bytes. "Device" memory is filled with
 * garbage when it is allocated. Functions that are not modelled return
 * CUDA_ERROR_NOT_SUPPORTED.
 *
 *   cc -shared -fPIC -o libcuda.so.1 libcuda.c -lpthread -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_CONTEXT = 201,
    ILLEGAL_ADDRESS = 700, NOT_SUPPORTED = 801, CAPTURE_UNSUPPORTED = 900
};

/* What a test may set and read, by name. */
static struct { const char *name; long value; } settings[] = {
    {"driver", 13000}, {"devices", 2}, {"major", 8}, {"minor", 9}, {"free", 1L << 33},
    {"fail_in", 0},      /* operations until the device fails for good; 0: never */
    {"fail_capture", 0}, /* whether recording a graph fails */
    {"allocations", 0},  /* made so far, of any kind */
    {"live", 0},         /* allocations not freed yet */
    {"copies", 0}, {"launches", 0}, {"waits", 0},
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int capturing, has_context;
static int broken;

static long *setting(const char *name) {
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!strcmp(settings[i].name, name)) return &settings[i].value;
    fprintf(stderr, "the double has no setting %s\n", name);
    abort();
}
void double_set(const char *name, long value) { *setting(name) = value; if (!strcmp(name, "fail_in")) broken = 0; }
long double_get(const char *name) { return *setting(name); }
static void count(const char *name, long by) {
    pthread_mutex_lock(&lock);
    *setting(name) += by;
    pthread_mutex_unlock(&lock);
}

typedef struct Op {
    enum { COPY, HOST, EVENT } kind;
    void *target; const void *source; size_t nbytes;
    void (*function)(void *); void *argument;
    int *done;
    struct Op *next;
} Op;
typedef struct { Op *head, *tail; } Queue;
typedef struct { Queue work, captured; int capturing; } Stream;
typedef struct { Stream *stream; int recorded, done; } Event;

static void append(Queue *queue, Op op) {
    Op *copy = malloc(sizeof op);
    *copy = op;
    copy->next = NULL;
    if (queue->tail) queue->tail->next = copy; else queue->head = copy;
    queue->tail = copy;
}
static void append_all(Queue *queue, const Queue *others) {
    for (Op *op = others->head; op; op = op->next) append(queue, *op);
}
static void discard(Queue *queue) {
    for (Op *op = queue->head, *next; op; op = next) { next = op->next; free(op); }
    queue->head = queue->tail = NULL;
}
static int enqueue(Stream *stream, Op op) {
    if (!has_context) return INVALID_CONTEXT;
    if (broken) return ILLEGAL_ADDRESS;
    append(stream->capturing ? &stream->captured : &stream->work, op);
    return SUCCESS;
}
static int run(Stream *stream) {
    count("waits", 1);
    if (capturing) return CAPTURE_UNSUPPORTED;
    while (stream->work.head && !broken) {
        Op *op = stream->work.head;
        stream->work.head = op->next;
        if (!op->next) stream->work.tail = NULL;
        if (op->kind != EVENT && *setting("fail_in") && !--*setting("fail_in")) broken = 1;
        else if (op->kind == COPY) { memcpy(op->target, op->source, op->nbytes); count("copies", 1); }
        else if (op->kind == HOST) op->function(op->argument);
        else *op->done = 1;
        free(op);
    }
    return broken ? ILLEGAL_ADDRESS : SUCCESS;
}

int cuInit(unsigned flags) { (void)flags; return *setting("devices") ? SUCCESS : NO_DEVICE; }
int cuDriverGetVersion(int *version) { *version = *setting("driver"); return SUCCESS; }
int cuDeviceGetCount(int *number) { *number = *setting("devices"); return SUCCESS; }
int cuDeviceGet(int *device, int index) { *device = index; return index < *setting("devices") ? SUCCESS : INVALID_VALUE; }
int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "Double %d", device); return SUCCESS; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    if (attribute != 75 && attribute != 76) return NOT_SUPPORTED;
    *value = *setting(attribute == 75 ? "major" : "minor");
    return SUCCESS;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = (void *)(uintptr_t)(device + 1); count("live", 1); return SUCCESS; }
int cuDevicePrimaryCtxRelease_v2(int device) { (void)device; count("live", -1); return SUCCESS; }
int cuCtxSetCurrent(void *context) { has_context = context != NULL; return SUCCESS; }
int cuMemGetInfo_v2(size_t *unused, size_t *total) { *unused = *setting("free"); *total = 1L << 34; return has_context ? SUCCESS : INVALID_CONTEXT; }

static int allocate(void **memory, size_t nbytes) {
    if (!has_context) return INVALID_CONTEXT;
    if (broken) return ILLEGAL_ADDRESS;
    if (capturing) return CAPTURE_UNSUPPORTED;
    if ((long)nbytes > *setting("free")) return OUT_OF_MEMORY;
    if (!(*memory = malloc(nbytes))) return OUT_OF_MEMORY;
    memset(*memory, 0xEE, nbytes);
    count("allocations", 1);
    count("live", 1);
    return SUCCESS;
}
static int release(void *memory) { free(memory); count("live", -1); return SUCCESS; }
int cuMemHostAlloc(void **memory, size_t nbytes, unsigned flags) { (void)flags; return allocate(memory, nbytes); }
int cuMemFreeHost(void *memory) { return release(memory); }
int cuMemAlloc_v2(uint64_t *address, size_t nbytes) { return allocate((void **)address, nbytes); }
int cuMemFree_v2(uint64_t address) { return release((void *)(uintptr_t)address); }

static int allocate_zeros(void **object, size_t nbytes) {
    int code = allocate(object, nbytes);
    if (!code) memset(*object, 0, nbytes);
    return code;
}
int cuStreamCreate(void **stream, unsigned flags) { (void)flags; return allocate_zeros(stream, sizeof(Stream)); }
int cuStreamDestroy_v2(void *stream) { run(stream); discard(&((Stream *)stream)->work); return release(stream); }
int cuStreamSynchronize(void *stream) { return run(stream); }
int cuEventCreate(void **event, unsigned flags) { (void)flags; return allocate_zeros(event, sizeof(Event)); }
int cuEventDestroy_v2(void *event) { return release(event); }
int cuEventRecord(void *handle, void *stream) {
    Event *event = handle;
    *event = (Event){.stream = stream, .recorded = 1};
    return enqueue(stream, (Op){.kind = EVENT, .done = &event->done});
}
int cuEventSynchronize(void *handle) {
    Event *event = handle;
    return event->recorded && !event->done ? run(event->stream) : SUCCESS;
}
int cuMemcpyHtoDAsync_v2(uint64_t target, const void *source, size_t nbytes, void *stream) {
    return enqueue(stream, (Op){.kind = COPY, .target = (void *)(uintptr_t)target, .source = source, .nbytes = nbytes});
}
int cuMemcpyDtoHAsync_v2(void *target, uint64_t source, size_t nbytes, void *stream) {
    return enqueue(stream, (Op){.kind = COPY, .target = target, .source = (void *)(uintptr_t)source, .nbytes = nbytes});
}
int cuLaunchHostFunc(void *stream, void (*function)(void *), void *argument) {
    return enqueue(stream, (Op){.kind = HOST, .function = function, .argument = argument});
}

int cuStreamBeginCapture_v2(void *handle, int mode) {
    Stream *stream = handle;
    (void)mode;
    stream->capturing = capturing = 1;
    return SUCCESS;
}
int cuStreamEndCapture(void *handle, void **graph) {
    Stream *stream = handle;
    stream->capturing = capturing = 0;
    if (*setting("fail_capture")) { discard(&stream->captured); return CAPTURE_UNSUPPORTED; }
    int code = allocate_zeros(graph, sizeof(Queue));
    if (!code) append_all(*graph, &stream->captured);
    discard(&stream->captured);
    return code;
}
int cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long flags) {
    (void)flags;
    int code = allocate_zeros(executable, sizeof(Queue));
    if (!code) append_all(*executable, graph);
    return code;
}
int cuGraphLaunch(void *executable, void *handle) {
    Stream *stream = handle;
    if (!has_context) return INVALID_CONTEXT;
    if (broken) return ILLEGAL_ADDRESS;
    count("launches", 1);
    append_all(&stream->work, executable);
    return SUCCESS;
}
int cuGraphExecDestroy(void *executable) { discard(executable); return release(executable); }
int cuGraphDestroy(void *graph) { discard(graph); return release(graph); }

static const char *name_of(int code) {
    switch (code) {
    case OUT_OF_MEMORY: return "CUDA_ERROR_OUT_OF_MEMORY";
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
