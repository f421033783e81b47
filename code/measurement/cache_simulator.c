/* Two levels of cache that count what misses them. GCC's -fsanitize=thread calls __tsan_* at each load and
 * store of a program; these hand the address to the caches instead of looking for races. */
#include <stdint.h>

enum { LINE = 64, WAYS = 8, LEVELS = 2, SETS = 2048 };
static const long sets[LEVELS] = {64, SETS}; /* 32 KiB and 1 MiB */
static uintptr_t kept[LEVELS][SETS][WAYS];   /* line numbers in each set, the latest first; 0 is none */
long counts[1 + LEVELS];                     /* lines touched, then those that missed each level */

static int hit(int level, uintptr_t line) {
    uintptr_t *set = kept[level][line % sets[level]], moving = line;
    for (int way = 0; way < WAYS; way++) {
        uintptr_t found = set[way];
        set[way] = moving; /* the line goes to the front, the others move back, the last one is forgotten */
        if (found == line) return 1;
        moving = found;
    }
    return 0;
}

static void touch(void *address, long bytes) {
    uintptr_t first = (uintptr_t)address / LINE, last = ((uintptr_t)address + bytes - 1) / LINE;
    for (uintptr_t line = first; line <= last; line++) {
        counts[0]++;
        for (int level = 0; level < LEVELS && !hit(level, line); level++) counts[1 + level]++;
    }
}

#define ACCESS(NAME, BYTES) void __tsan_##NAME##BYTES(void *address) { touch(address, BYTES); }
#define ACCESSES(NAME) ACCESS(NAME, 1) ACCESS(NAME, 2) ACCESS(NAME, 4) ACCESS(NAME, 8) ACCESS(NAME, 16)
ACCESSES(read) ACCESSES(write) ACCESSES(unaligned_read) ACCESSES(unaligned_write)
void __tsan_read_range(void *address, long bytes) { touch(address, bytes); }
void __tsan_write_range(void *address, long bytes) { touch(address, bytes); }
void __tsan_init(void) {}
void __tsan_func_entry(void *caller) { (void)caller; }
void __tsan_func_exit(void) {}
