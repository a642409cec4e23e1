/* Memory that runs out: the simulator is linked so that every allocation of bongsu's comes by here (--wrap
 * of core/mem.h). What is taken while a node works is that node's; what the simulator itself takes, to look
 * and to compare, never fails. */
#include "world.h"

#include "core/mem.h"

static struct node *working; /* NULL: nobody */
static size_t outstanding;   /* taken, and not given back yet */

__typeof__(mem_alloc) __real_mem_alloc, __wrap_mem_alloc;
__typeof__(mem_alloc_array) __real_mem_alloc_array, __wrap_mem_alloc_array;
__typeof__(mem_grow) __real_mem_grow, __wrap_mem_grow;
__typeof__(mem_free) __real_mem_free, __wrap_mem_free;
__typeof__(mem_free_secret) __real_mem_free_secret, __wrap_mem_free_secret;

struct node *memory_of(struct node *node)
{
    struct node *before = working;
    working = node;
    return before;
}

size_t memory_outstanding(void)
{
    return outstanding;
}

/* Is this the one that fails? */
static bool runs_out(void)
{
    struct memory *memory = working == NULL ? NULL : &working->memory;
    if (memory == NULL)
        return false;
    memory->taken++;
    if (memory->struck && memory->stays)
        return true;
    if (memory->fails == 0 || --memory->fails > 0)
        return false;
    world_say(working->world, "%s: no memory", working->name);
    memory->struck = memory->ever = true;
    return true;
}

static void *counted(void *at)
{
    outstanding += at != NULL;
    return at;
}

void *__wrap_mem_alloc(size_t size)
{
    return runs_out() ? NULL : counted(__real_mem_alloc(size));
}

void *__wrap_mem_alloc_array(size_t count, size_t size)
{
    return runs_out() ? NULL : counted(__real_mem_alloc_array(count, size));
}

void *__wrap_mem_grow(void *at, size_t size)
{
    if (runs_out())
        return NULL;
    return at == NULL ? counted(__real_mem_grow(at, size)) : __real_mem_grow(at, size);
}

void __wrap_mem_free(void *at)
{
    outstanding -= at != NULL;
    __real_mem_free(at);
}

void __wrap_mem_free_secret(void *at, size_t size)
{
    outstanding -= at != NULL;
    __real_mem_free_secret(at, size);
}

void memory_heal(struct node *node)
{
    if (!node->world->options.sweep_memory) /* whose turn has yet to come */
        node->memory.fails = 0;
    node->memory.struck = node->memory.stays = false;
}

bool memory_draw(struct world *world, struct node *node)
{
    struct draw *draw = &world->fault_draw;
    if (!world_has(world, WITH_MEMORY) || world->options.sweep != 0)
        return false;
    unsigned what = draw_below(draw, 1000), few = draw_below(draw, 4);
    uint64_t when = 1 + draw_below(draw, few == 0 ? 10 : few == 1 ? 100 : 2000);
    bool stays = draw_chance(draw, 200);
    if (what >= 150 || !node_is_up(node) || node->memory.struck)
        return false;
    node->memory.fails = when;
    node->memory.stays = stays;
    return true;
}
