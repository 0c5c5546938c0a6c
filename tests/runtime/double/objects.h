/* What the double of the CUDA driver keeps: settings, contexts, and every live object.
 *
 * Functions here expect `lock` to be held unless they say otherwise. What is
 * freed is never handed out again, so that a stale handle is always found out:
 * freed memory cannot be touched any more.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, DEVICE_UNAVAILABLE = 46, NO_DEVICE = 100,
    INVALID_DEVICE = 101, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, ILLEGAL_STATE = 401,
    ILLEGAL_ADDRESS = 700, CONTEXT_IS_DESTROYED = 709, NOT_SUPPORTED = 801,
    CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, CAPTURE_UNJOINED = 904, CAPTURE_WRONG_THREAD = 908
};
enum { GLOBAL, THREAD_LOCAL, RELAXED };
enum { MOST_DEVICES = 4, MOST_RANGES = 4, PAGE = 4096, ALIGNMENT = 256 };

/* What a test may set and read, by name. */
static struct { const char *name; long value; } settings[] = {
    {"driver", 13000}, {"devices", 2}, {"free", 1L << 33},
    {"major", 8}, {"minor", 9}, {"minor1", -1}, /* of the second GPU; -1: as the first */
    {"mig", 0},          /* whether the GPUs are slices */
    {"exclusive", 0},    /* whether another process holds the GPUs */
    {"fail_in", 0},      /* operations until the device fails for good; 0: never */
    {"fail_code", ILLEGAL_ADDRESS}, /* with which error */
    {"fail_alloc_in", 0}, /* allocations until one finds no memory; 0: never */
    {"fail_capture", 0}, /* whether recording a graph fails; 2: it returns a graph nevertheless */
    {"violations", 0},   /* of the rules, each with a line on stderr */
    {"contexts", 0},     /* made so far */
    {"allocations", 0},  /* made so far, of any kind */
    {"live", 0},         /* allocations not freed yet */
    {"copies", 0}, {"launches", 0}, {"waits", 0},
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static long *setting(const char *name) {
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!strcmp(settings[i].name, name)) return &settings[i].value;
    fprintf(stderr, "the double has no setting %s\n", name);
    abort();
}
static void violation(const char *what) {
    fprintf(stderr, "double: %s\n", what);
    ++*setting("violations");
}

typedef struct Object Object;
typedef struct { char *start; size_t nbytes; int on_device; } Range;
typedef struct Op {
    enum { COPY, KERNEL, MARK } kind;
    char *target; const char *source;
    size_t width, height, target_pitch, source_pitch;
    void (*function)(void *); void *argument;
    Object *event;
    Range ranges[MOST_RANGES]; int range_count;
    struct Op *next;
} Op;
typedef struct { Op *head, *tail; } Queue;

typedef struct { int device, references, broken; } Context;
typedef enum { HOST_MEMORY, DEVICE_MEMORY, STREAM, EVENT, GRAPH, EXECUTABLE, FOREIGN } Kind;
struct Object {
    Kind kind; int device, orphan; Object *next;
    char *start; size_t nbytes;     /* memory */
    int pending; Object *user;      /* operations that wait on it, and their stream */
    Queue work;                     /* stream, graph and executable */
    Queue captured; int capturing, mode, invalid; const void *owner; Object *graph; /* stream */
    pthread_mutex_t running;
    Object *stream; int done;       /* event */
};
static Context contexts[MOST_DEVICES];
static __thread Context *current;
static __thread char self; /* its address tells threads apart */
static Object *objects;

static int check_current(void) {
    if (!current) return INVALID_CONTEXT;
    if (!current->references) return CONTEXT_IS_DESTROYED;
    return current->broken ? (int)*setting("fail_code") : SUCCESS;
}
/* The error of an object's GPU if that has failed: then every call says so. */
static int failure(const Object *object) {
    return object && contexts[object->device].broken ? (int)*setting("fail_code") : SUCCESS;
}
static Object *live(const void *handle, Kind kind) {
    for (Object *each = objects; each; each = each->next)
        if (each == handle) return each->kind == kind ? each : NULL;
    return NULL;
}
static Object *memory_of(Range range) {
    Kind kind = range.on_device ? DEVICE_MEMORY : HOST_MEMORY;
    for (Object *each = objects; each; each = each->next)
        if (each->kind == kind && range.start >= each->start
            && range.start + range.nbytes <= each->start + each->nbytes) return each;
    return NULL;
}

/* What a GPU refuses while a frame is recorded, in a mode that is not relaxed; it spoils the recording. */
static int unsafe(void) {
    int code = SUCCESS;
    for (Object *each = objects; each; each = each->next) {
        if (each->kind != STREAM || !each->capturing) continue;
        if (each->mode == GLOBAL || (each->mode == THREAD_LOCAL && each->owner == &self)) {
            each->invalid = 1;
            code = CAPTURE_UNSUPPORTED;
        }
    }
    return code;
}

static Object *add(Kind kind) {
    Object *object = calloc(1, sizeof *object);
    *object = (Object){.kind = kind, .device = current->device, .next = objects};
    pthread_mutex_init(&object->running, NULL);
    objects = object;
    ++*setting("live");
    return object;
}
static void discard(Queue *queue) {
    for (Op *op = queue->head, *next; op; op = next) { next = op->next; free(op); }
    queue->head = queue->tail = NULL;
}
static void drop(Object *object) {
    for (Object **link = &objects; *link; link = &(*link)->next)
        if (*link == object) { *link = object->next; break; }
    if (object->start) mprotect(object->start - (uintptr_t)object->start % PAGE, object->nbytes, PROT_NONE);
    discard(&object->work);
    --*setting("live");
}
static int create(Kind kind, void **handle) {
    int code = check_current();
    if (code) return code;
    long *countdown = setting("fail_alloc_in");
    if (*countdown && !--*countdown) return OUT_OF_MEMORY;
    ++*setting("allocations");
    *handle = add(kind);
    return SUCCESS;
}
static int destroy(void *handle, Kind kind) {
    Object *object = live(handle, kind);
    if (!object) { violation("something is freed twice, or is no such object"); return INVALID_HANDLE; }
    int code = current && current->broken ? (int)*setting("fail_code") : SUCCESS;
    drop(object); /* a GPU that has failed says so, but nothing of it is left either way */
    return code;
}

static long taken(int device) {
    long sum = 0;
    for (Object *each = objects; each; each = each->next)
        if (each->kind == DEVICE_MEMORY && each->device == device) sum += each->nbytes;
    return sum;
}
static int allocate(Kind kind, void **address, size_t nbytes) {
    int code = check_current();
    if (!code) code = unsafe();
    if (!code && !nbytes) code = INVALID_VALUE;
    if (!code && kind == DEVICE_MEMORY && (long)nbytes > *setting("free") - taken(current->device))
        code = OUT_OF_MEMORY;
    void *handle;
    if (!code) code = create(kind, &handle);
    if (code) return code;
    Object *object = handle;
    size_t pages = (nbytes + PAGE - 1) / PAGE * PAGE; /* and one behind that cannot be touched */
    char *base = mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(base + pages, PAGE, PROT_NONE);
    object->start = base + (pages - nbytes) / ALIGNMENT * ALIGNMENT;
    object->nbytes = nbytes;
    memset(object->start, 0xEE, nbytes);
    *address = object->start;
    return SUCCESS;
}
static int release(Kind kind, void *address) {
    int code = unsafe();
    if (code) return code;
    for (Object *each = objects; each; each = each->next) {
        if (each->kind != kind || each->start != address) continue;
        if (each->pending && !contexts[each->device].broken) violation("memory is freed while work waits on it");
        return destroy(each, kind);
    }
    violation("memory is freed twice, or is no such memory");
    return INVALID_VALUE;
}
