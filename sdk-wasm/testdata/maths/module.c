/* maths: what each SDK's mathematics gives for arguments drawn from a seed. The
 * same module stands here in every language; their replies must be equal. */
#include "plexus/plexus.h"

static uint8_t *at;

static void put(uint64_t v) {
	for (int k = 0; k < 8; k++) *at++ = (uint8_t)(v >> (8 * k));
}

static int solve(const px_solve_request *in, px_bytes *out) {
	px_rand r;
	px_rand_init(&r, in->seed, 1);
	uint8_t *begin = at = px_alloc(64 * (16 + 12) * 8);
	for (int turn = 0; turn < 64; turn++) {
		uint64_t x = px_rand_u64(&r) >> px_rand_below(&r, 64);
		put(px_log2(x));
		put(px_exp((int64_t)px_rand_below(&r, (uint64_t)60 << 32) - ((int64_t)30 << 32)));
		put(px_sqrt(x));
		put(px_isqrt(x));
		uint32_t n = 1 + (uint32_t)px_rand_below(&r, 12), a[24], b[24];
		int64_t logits[12];
		uint64_t soft[12], values[12];
		for (uint32_t i = 0; i < n; i++) logits[i] = (int64_t)px_rand_below(&r, (uint64_t)16 << 32) - ((int64_t)8 << 32);
		for (uint32_t i = 0; i < n; i++) values[i] = px_rand_u64(&r);
		px_softmax(logits, n, soft);
		for (uint32_t i = 0; i < n; i++) put(soft[i]);
		put(px_quantile(values, n, px_rand_below(&r, PX_ONE + 1)));
		uint32_t an = (uint32_t)px_rand_below(&r, 25), bn = (uint32_t)px_rand_below(&r, 25);
		for (uint32_t i = 0; i < an; i++) a[i] = (uint32_t)px_rand_below(&r, 3);
		for (uint32_t i = 0; i < bn; i++) b[i] = (uint32_t)px_rand_below(&r, 3);
		put(px_edit_distance(a, an, b, bn));
		for (uint32_t k = 1; k <= 4; k++) put(px_ngram_matches(a, an, b, bn, k));
		put(px_ngrams(an, 3));
	}
	*out = (px_bytes){begin, (uint32_t)(at - begin)};
	return 0;
}

const px_module plexus_module = {.solve = solve};
