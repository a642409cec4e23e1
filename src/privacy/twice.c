/* What two readings of one text find, side by side in the order of the text: no memory but the hits in hand.
 * What both find counts once. Where they find different things at one place, what is whole without digits in
 * another dress stands as it is, and what the other one adds around it is a hit as well: a mask covers all.
 */
#include "privacy/scan.h"

enum { AHEAD = 2 };

struct side {
    struct scan *scan;
    struct privacy_hit hits[AHEAD]; /* the next ones */
    size_t count;
    bool cut; /* of the first one a part is gone */
};

static void fill(struct side *side)
{
    while (side->count < AHEAD && scan_next(side->scan, &side->hits[side->count]))
        side->count++;
}

static void drop(struct side *side)
{
    side->hits[0] = side->hits[1];
    side->count--;
    side->cut = false;
    fill(side);
}

static size_t end_of(const struct privacy_hit *hit)
{
    return hit->from + hit->len;
}

/* Its next one stands before all of the other side. */
static bool is_before(const struct side *side, const struct side *other)
{
    return side->count > 0 && (other->count == 0 || end_of(&side->hits[0]) <= other->hits[0].from);
}

static bool holds(const struct privacy_hit *a, const struct privacy_hit *b)
{
    return a->from <= b->from && end_of(a) >= end_of(b);
}

/* One value, of which one reading may have seen a part alone. Of more than one in it, none is a part. */
static bool is_one(const struct side *undressed, const struct side *dressed)
{
    const struct privacy_hit *a = undressed->hits, *b = dressed->hits;
    bool more = undressed->count > 1 && undressed->hits[1].from < end_of(b);
    return a->kind == b->kind && !dressed->cut && !more && (holds(a, b) || holds(b, a));
}

static void unite(struct privacy_hit *a, const struct privacy_hit *b)
{
    struct privacy_hit whole = b->score > a->score ? *b : *a;
    whole.from = holds(a, b) ? a->from : b->from;
    whole.len = holds(a, b) ? a->len : b->len;
    *a = whole;
}

/* Keeps what of `side` lies before `hit`, and goes on behind that one. */
static void cut(struct side *side, const struct privacy_hit *hit, struct privacy_hits *hits)
{
    struct privacy_hit *own = &side->hits[0], before = *own;
    size_t end = end_of(own);
    before.len = hit->from > own->from ? hit->from - own->from : 0;
    if (before.len > 0)
        scan_keep(hits, &before);
    if (end <= end_of(hit)) {
        drop(side);
        return;
    }
    own->from = end_of(hit);
    own->len = end - own->from;
    side->cut = true;
}

/* The first ones of both overlap. A suspicion hides no hit. */
static void meet(struct side *undressed, struct side *dressed, struct privacy_hits *hits)
{
    bool sure = undressed->hits[0].score >= PRIVACY_SCORE_HIT;
    if (sure != (dressed->hits[0].score >= PRIVACY_SCORE_HIT)) {
        drop(sure ? dressed : undressed);
    } else if (is_one(undressed, dressed)) {
        unite(&undressed->hits[0], &dressed->hits[0]);
        drop(dressed);
    } else {
        cut(dressed, &undressed->hits[0], hits);
    }
}

void scan_twice(struct scan *undressed, struct scan *dressed, struct privacy_hits *hits)
{
    struct side a = {.scan = undressed}, b = {.scan = dressed};
    fill(&a);
    fill(&b);
    while (a.count > 0 || b.count > 0) {
        if (is_before(&a, &b)) {
            scan_keep(hits, &a.hits[0]);
            drop(&a);
        } else if (is_before(&b, &a)) {
            scan_keep(hits, &b.hits[0]);
            drop(&b);
        } else {
            meet(&a, &b, hits);
        }
    }
}
