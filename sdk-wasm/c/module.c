/* spell: complete words whose letters are partly hidden. It pays nobody for a
 * model; it shows every operation that a module may have. */
#include "plexus/plexus.h"

static bool letters(px_bytes b) {
	for (uint32_t i = 0; i < b.n; i++)
		if (b.p[i] < 'a' || b.p[i] > 'z') return false;
	return b.n > 0 && b.n <= 64;
}

static void describe(px_description *out) {
	out->title = px_text("Spell");
	out->task = px_text("a word of 8 to 24 letters, some hidden behind question marks");
	out->answer = px_text("the word, in letters a to z");
	out->score = px_text("one less the edit distance as a part of the longer word");
}

static int task(const px_task_request *in, px_task *out) {
	px_rand r;
	px_rand_init(&r, in->beta, 0);
	uint32_t n = 8 + (uint32_t)px_rand_below(&r, 17);
	uint8_t *word = px_alloc(n), *shown = px_alloc(n);
	for (uint32_t i = 0; i < n; i++) word[i] = (uint8_t)('a' + px_rand_below(&r, 26));
	for (uint32_t i = 0; i < n; i++) shown[i] = px_rand_below(&r, 3) == 0 ? '?' : word[i];
	out->public_part = (px_bytes){shown, n};
	out->private_part = (px_bytes){word, n};
	return 0;
}

static int score(const px_score_request *in, uint64_t *scores) {
	for (uint32_t i = 0; i < in->payload_count; i++) {
		px_bytes p = in->payloads[i];
		if (!letters(p)) continue;
		uint32_t longer = p.n > in->private_part.n ? p.n : in->private_part.n;
		scores[i] = PX_ONE * (longer - px_edit_distance_bytes(p, in->private_part)) / longer;
	}
	return 0;
}

/* rank moves a miner's average an eighth of the way to this epoch's mean, and
 * remembers it in 8 bytes. */
static int rank(const px_rank_request *in, px_rank *ranks) {
	for (uint32_t i = 0; i < in->row_count; i++) {
		const px_row *row = &in->rows[i];
		uint64_t mean = 0, old = 0;
		for (uint32_t j = 0; j < row->score_count; j++) mean += row->scores[j];
		if (row->score_count) mean /= row->score_count;
		if (row->carry.n == 8) {
			for (int k = 0; k < 8; k++) old = old << 8 | row->carry.p[k];
			if (old <= PX_ONE) mean = (7 * old + mean) / 8;
		}
		uint8_t *carry = px_alloc(8);
		for (int k = 0; k < 8; k++) carry[k] = (uint8_t)(mean >> (56 - 8 * k));
		ranks[i].weight = mean;
		ranks[i].carry = (px_bytes){carry, 8};
	}
	return 0;
}

static int check(const px_check_request *in, px_verdict *out) {
	out->ok = letters(in->payload);
	if (!out->ok) out->reason = px_text("1 to 64 letters from a to z");
	return 0;
}

static int solve(const px_solve_request *in, px_bytes *out) {
	px_rand r;
	px_rand_init(&r, in->seed, 0);
	uint8_t *word = px_alloc(in->public_part.n);
	for (uint32_t i = 0; i < in->public_part.n; i++)
		word[i] = in->public_part.p[i] == '?' ? (uint8_t)('a' + px_rand_below(&r, 26)) : in->public_part.p[i];
	*out = (px_bytes){word, in->public_part.n};
	return 0;
}

/* merge keeps the longest word that was ever answered. It shows how miners build
 * one thing together; nothing of spell's tasks needs it. */
static int merge(const px_merge_request *in, px_bytes *artifact) {
	uint32_t longest = in->artifact.n;
	for (uint32_t i = 0; i < in->payload_count; i++) {
		if (!letters(in->payloads[i]) || in->payloads[i].n <= longest) continue;
		*artifact = in->payloads[i];
		longest = artifact->n;
	}
	return 0;
}

const px_module plexus_module = {.describe = describe, .task = task, .score = score, .rank = rank, .check = check, .solve = solve, .merge = merge};
