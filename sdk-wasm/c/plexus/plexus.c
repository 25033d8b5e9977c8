/* Plexus SDK for C. Compile it with your module; see plexus.h. */
#include "plexus.h"

enum { STATUS_OK, STATUS_REFUSED, STATUS_INPUT, STATUS_UNSUPPORTED, STATUS_REPLY };

/* ---- memory */

#ifdef __wasm__
extern unsigned char __heap_base;
static uintptr_t heap_next;

void *px_alloc(size_t n) {
	if (!heap_next) heap_next = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
	uintptr_t at = heap_next;
	n = (n + 15) & ~(size_t)15;
	if (n > (size_t)1 << 30) __builtin_trap();
	uintptr_t end = at + n, have = (uintptr_t)__builtin_wasm_memory_size(0) << 16;
	if (end > have) {
		uintptr_t pages = (end - have + 65535) >> 16;
		if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) __builtin_trap();
	}
	heap_next = end;
	return (void *)at; /* fresh memory is zero and nothing is given back */
}
#else
#include <stdlib.h>
void *px_alloc(size_t n) {
	void *p = calloc(1, n ? n : 1);
	if (!p) abort();
	return p;
}
#endif

/* The compiler may call these two for what it cannot do in place. */
#ifdef __wasm__
void *memcpy(void *to, const void *from, size_t n) {
	uint8_t *t = to;
	const uint8_t *f = from;
	while (n--) *t++ = *f++;
	return to;
}

void *memset(void *to, int c, size_t n) {
	uint8_t *t = to;
	while (n--) *t++ = (uint8_t)c;
	return to;
}
#endif

static void copy(uint8_t *to, const uint8_t *from, size_t n) {
	if (n) __builtin_memcpy(to, from, n);
}

px_bytes px_text(const char *s) {
	px_bytes b = {(const uint8_t *)s, 0};
	while (s[b.n]) b.n++;
	return b;
}

bool px_equal(px_bytes a, px_bytes b) {
	if (a.n != b.n) return false;
	for (uint32_t i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i]) return false;
	return true;
}

static px_bytes refusal;

int px_refuse(const char *why) {
	refusal = px_text(why);
	return 1;
}

/* ---- codec: deterministic CBOR, narrowed as package cbor says */

typedef struct {
	const uint8_t *p, *end;
	bool bad;
} reader;

static uint64_t head(reader *r, uint8_t major) {
	if (r->bad || r->p == r->end || *r->p >> 5 != major) {
		r->bad = true;
		return 0;
	}
	uint8_t info = *r->p++ & 31;
	if (info < 24) return info;
	if (info > 27 || r->end - r->p < 1 << (info - 24)) {
		r->bad = true;
		return 0;
	}
	uint64_t v = 0;
	for (int i = 1 << (info - 24); i > 0; i--) v = v << 8 | *r->p++;
	static const uint64_t least[] = {24, 1 << 8, 1 << 16, (uint64_t)1 << 32};
	if (v < least[info - 24]) r->bad = true;
	return r->bad ? 0 : v;
}

static uint64_t read_uint(reader *r) { return head(r, 0); }

static uint32_t read_count(reader *r, uint32_t most) {
	uint64_t n = head(r, 4);
	if (n > most) r->bad = true;
	return r->bad ? 0 : (uint32_t)n;
}

static void read_array(reader *r, uint32_t n) {
	if (read_count(r, n) != n) r->bad = true;
}

static void read_version(reader *r, uint32_t n) {
	read_array(r, n);
	if (read_uint(r) != 1) r->bad = true;
}

static px_bytes read_bytes(reader *r, uint32_t most) {
	px_bytes none = {0, 0};
	uint64_t n = head(r, 2);
	if (r->bad || n > most || n > (uint64_t)(r->end - r->p)) {
		r->bad = true;
		return none;
	}
	px_bytes b = {r->p, (uint32_t)n};
	r->p += n;
	return b;
}

static void read_hash(reader *r, uint8_t out[32]) {
	px_bytes b = read_bytes(r, 32);
	if (b.n == 32)
		copy(out, b.p, 32);
	else
		r->bad = true;
}

static px_bytes *read_list(reader *r, uint32_t most, uint32_t size, uint32_t *n) {
	*n = read_count(r, most);
	px_bytes *l = px_alloc(*n * sizeof *l);
	for (uint32_t i = 0; i < *n; i++) l[i] = read_bytes(r, size);
	return l;
}

static bool at_end(reader *r) { return !r->bad && r->p == r->end; }

typedef struct {
	uint8_t *p;
	uint32_t n, room;
} writer;

static uint8_t *more(writer *w, uint32_t n) {
	if (w->room - w->n < n) {
		uint32_t room = (w->room + n) * 2 + 64;
		uint8_t *p = px_alloc(room);
		copy(p, w->p, w->n);
		w->p = p;
		w->room = room;
	}
	uint8_t *at = w->p + w->n;
	w->n += n;
	return at;
}

static void write_head(writer *w, uint8_t major, uint64_t v) {
	int size = v < 24 ? 0 : v <= 0xff ? 1 : v <= 0xffff ? 2 : v <= 0xffffffff ? 4 : 8;
	uint8_t *at = more(w, 1 + (uint32_t)size);
	static const uint8_t info[] = {0, 24, 25, 0, 26, 0, 0, 0, 27};
	*at = (uint8_t)(major << 5) | (size ? info[size] : (uint8_t)v);
	for (int i = size; i > 0; i--, v >>= 8) at[i] = (uint8_t)v;
}

static void write_array(writer *w, uint32_t n) { write_head(w, 4, n); }
static void write_uint(writer *w, uint64_t v) { write_head(w, 0, v); }

static void write_string(writer *w, uint8_t major, px_bytes b) {
	write_head(w, major, b.n);
	copy(more(w, b.n), b.p, b.n);
}

static void write_bytes(writer *w, px_bytes b) { write_string(w, 2, b); }
static void write_text(writer *w, px_bytes b) { write_string(w, 3, b); }

/* Whether b is UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool utf8(px_bytes b) {
	for (uint32_t i = 0; i < b.n;) {
		uint8_t c = b.p[i++];
		if (c < 0x80) continue;
		int rest = c >= 0xc2 && c <= 0xdf ? 1 : c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 0;
		if (!rest || b.n - i < (uint32_t)rest) return false;
		uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
		uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
		for (; rest > 0; rest--, i++) {
			if (b.p[i] < low || b.p[i] > high) return false;
			low = 0x80, high = 0xbf;
		}
	}
	return true;
}

/* ---- operations */

static uint32_t refuse(px_bytes *body) {
	*body = refusal;
	if (body->n > PX_MAX_STATUS) body->n = PX_MAX_STATUS;
	return STATUS_REFUSED;
}

static uint32_t fail(uint32_t status, const char *why, px_bytes *body) {
	*body = px_text(why);
	return status;
}

static uint32_t bad_input(px_bytes *body) { return fail(STATUS_INPUT, "input is not the operation's message", body); }
static uint32_t bad_reply(px_bytes *body) { return fail(STATUS_REPLY, "reply breaks the contract", body); }

static uint32_t give(writer *w, px_bytes *body) {
	body->p = w->p;
	body->n = w->n;
	return STATUS_OK;
}

static uint32_t op_describe(px_bytes input, px_bytes *body) {
	px_description d = {0};
	if (input.n) return bad_input(body);
	plexus_module.describe(&d);
	const px_bytes texts[] = {d.title, d.task, d.answer, d.score};
	writer w = {0};
	write_array(&w, 5);
	write_uint(&w, 1);
	for (int i = 0; i < 4; i++) {
		if (texts[i].n > 4096 || !utf8(texts[i])) return bad_reply(body);
		write_text(&w, texts[i]);
	}
	return give(&w, body);
}

static uint32_t op_task(px_bytes input, px_bytes *body) {
	reader r = {input.p, input.p + input.n, false};
	px_task_request in;
	px_task out = {0};
	read_version(&r, 7);
	read_hash(&r, in.beta);
	in.params = read_bytes(&r, PX_MAX_MESSAGE);
	in.slices = read_list(&r, PX_MAX_SLICES, PX_MAX_PAYLOAD, &in.slice_count);
	in.artifact = read_bytes(&r, PX_MAX_ARTIFACT);
	in.height = read_uint(&r);
	in.last = read_uint(&r);
	if (!at_end(&r)) return bad_input(body);
	if (plexus_module.task(&in, &out)) return refuse(body);
	if (out.public_part.n > PX_MAX_PAYLOAD || out.private_part.n > PX_MAX_MESSAGE || out.input_count > PX_MAX_INPUTS) return bad_reply(body);
	writer w = {0};
	write_array(&w, 5);
	write_uint(&w, 1);
	write_bytes(&w, out.public_part);
	write_bytes(&w, out.private_part);
	write_array(&w, out.input_count);
	for (uint32_t i = 0; i < out.input_count; i++) {
		if (out.inputs[i].key.n > 64 || !utf8(out.inputs[i].key)) return bad_reply(body);
		write_array(&w, 2);
		write_uint(&w, out.inputs[i].height);
		write_text(&w, out.inputs[i].key);
	}
	write_uint(&w, out.score_at);
	return give(&w, body);
}

static uint32_t op_score(px_bytes input, px_bytes *body) {
	reader r = {input.p, input.p + input.n, false};
	px_score_request in;
	read_version(&r, 6);
	in.params = read_bytes(&r, PX_MAX_MESSAGE);
	in.public_part = read_bytes(&r, PX_MAX_PAYLOAD);
	in.private_part = read_bytes(&r, PX_MAX_MESSAGE);
	in.inputs = read_list(&r, PX_MAX_INPUTS, 1024, &in.input_count);
	in.payloads = read_list(&r, PX_MAX_PAYLOADS, PX_MAX_PAYLOAD, &in.payload_count);
	if (!at_end(&r)) return bad_input(body);
	uint64_t *scores = px_alloc(in.payload_count * sizeof *scores);
	if (plexus_module.score(&in, scores)) return refuse(body);
	writer w = {0};
	write_array(&w, 2);
	write_uint(&w, 1);
	write_array(&w, in.payload_count);
	for (uint32_t i = 0; i < in.payload_count; i++) {
		if (scores[i] > PX_ONE) return bad_reply(body);
		write_uint(&w, scores[i]);
	}
	return give(&w, body);
}

static uint32_t op_rank(px_bytes input, px_bytes *body) {
	reader r = {input.p, input.p + input.n, false};
	px_rank_request in;
	read_version(&r, 3);
	in.params = read_bytes(&r, PX_MAX_MESSAGE);
	in.row_count = read_count(&r, PX_MAX_ROWS);
	in.rows = px_alloc(in.row_count * sizeof *in.rows);
	for (uint32_t i = 0; i < in.row_count && !r.bad; i++) {
		px_row *row = &in.rows[i];
		read_array(&r, 2);
		row->carry = read_bytes(&r, PX_MAX_CARRY);
		row->score_count = read_count(&r, PX_MAX_SCORES);
		row->scores = px_alloc(row->score_count * sizeof *row->scores);
		for (uint32_t j = 0; j < row->score_count; j++)
			if ((row->scores[j] = read_uint(&r)) > PX_ONE) r.bad = true;
	}
	if (!at_end(&r)) return bad_input(body);
	px_rank *ranks = px_alloc(in.row_count * sizeof *ranks);
	if (plexus_module.rank(&in, ranks)) return refuse(body);
	writer w = {0};
	write_array(&w, 2);
	write_uint(&w, 1);
	write_array(&w, in.row_count);
	for (uint32_t i = 0; i < in.row_count; i++) {
		if (ranks[i].weight > PX_ONE || ranks[i].carry.n > PX_MAX_CARRY) return bad_reply(body);
		write_array(&w, 2);
		write_uint(&w, ranks[i].weight);
		write_bytes(&w, ranks[i].carry);
	}
	return give(&w, body);
}

static uint32_t op_check(px_bytes input, px_bytes *body) {
	reader r = {input.p, input.p + input.n, false};
	px_check_request in;
	px_verdict out = {0};
	read_version(&r, 4);
	in.params = read_bytes(&r, PX_MAX_MESSAGE);
	in.public_part = read_bytes(&r, PX_MAX_PAYLOAD);
	in.payload = read_bytes(&r, PX_MAX_PAYLOAD);
	if (!at_end(&r)) return bad_input(body);
	if (plexus_module.check(&in, &out)) return refuse(body);
	if (out.reason.n > 256 || !utf8(out.reason)) return bad_reply(body);
	writer w = {0};
	write_array(&w, 3);
	write_uint(&w, 1);
	*more(&w, 1) = out.ok ? 0xf5 : 0xf4;
	write_text(&w, out.reason);
	return give(&w, body);
}

static uint32_t op_solve(px_bytes input, px_bytes *body) {
	reader r = {input.p, input.p + input.n, false};
	px_solve_request in;
	read_version(&r, 4);
	in.params = read_bytes(&r, PX_MAX_MESSAGE);
	in.public_part = read_bytes(&r, PX_MAX_PAYLOAD);
	read_hash(&r, in.seed);
	if (!at_end(&r)) return bad_input(body);
	if (plexus_module.solve(&in, body)) return refuse(body);
	return body->n > PX_MAX_PAYLOAD ? bad_reply(body) : STATUS_OK;
}

static uint32_t op_merge(px_bytes input, px_bytes *body) {
	reader r = {input.p, input.p + input.n, false};
	px_merge_request in;
	px_bytes out = {0, 0};
	read_version(&r, 5);
	in.params = read_bytes(&r, PX_MAX_MESSAGE);
	in.artifact = read_bytes(&r, PX_MAX_ARTIFACT);
	in.slices = read_list(&r, PX_MAX_SLICES, PX_MAX_PAYLOAD, &in.slice_count);
	in.payloads = read_list(&r, PX_MAX_PAYLOADS, PX_MAX_PAYLOAD, &in.payload_count);
	if (!at_end(&r)) return bad_input(body);
	if (plexus_module.merge(&in, &out)) return refuse(body);
	if (out.n > PX_MAX_ARTIFACT) return bad_reply(body);
	writer w = {0};
	write_array(&w, 2);
	write_uint(&w, 1);
	write_bytes(&w, out);
	return give(&w, body);
}

uint32_t px_call(uint32_t op, px_bytes input, px_bytes *body) {
	const px_module *m = &plexus_module;
	body->p = 0;
	body->n = 0;
	switch (op) {
	case 1:
		if (m->describe) return op_describe(input, body);
		break;
	case 2:
		if (m->task) return op_task(input, body);
		break;
	case 3:
		if (m->score) return op_score(input, body);
		break;
	case 4:
		if (m->rank) return op_rank(input, body);
		break;
	case 5:
		if (m->check) return op_check(input, body);
		break;
	case 6:
		if (m->solve) return op_solve(input, body);
		break;
	case 7:
		if (!m->render) break;
		if (input.n > PX_MAX_PAYLOAD) return bad_input(body);
		if (m->render(input, body)) return refuse(body);
		return utf8(*body) ? STATUS_OK : bad_reply(body);
	case 8:
		if (!m->parse) break;
		if (input.n > PX_MAX_PAYLOAD || !utf8(input)) return bad_input(body);
		if (m->parse(input, body)) return refuse(body);
		return body->n > PX_MAX_PAYLOAD ? bad_reply(body) : STATUS_OK;
	case 9:
		if (m->merge) return op_merge(input, body);
		break;
	}
	return fail(STATUS_UNSUPPORTED, "the module has no such operation", body);
}

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))

static px_bytes given;

EXPORT("plexus_abi_v1") void px_export_marker(void) {}

EXPORT("plexus_alloc") uint8_t *px_export_alloc(uint32_t n) {
	given.p = px_alloc(n ? n : 1);
	given.n = n;
	return (uint8_t *)given.p;
}

EXPORT("plexus_call") uint64_t px_export_call(uint32_t op, const uint8_t *p, uint32_t n) {
	px_bytes body, input = {p, n};
	uint32_t status;
	if (!given.p || p != given.p || n > given.n)
		status = fail(STATUS_INPUT, "input is not where plexus_alloc put it", &body);
	else
		status = px_call(op, input, &body);
	uint8_t *out = px_alloc(4 + (size_t)body.n);
	out[0] = (uint8_t)status;
	copy(out + 4, body.p, body.n);
	return (uint64_t)(uintptr_t)out << 32 | (4 + body.n);
}

/* The host keeps the first few kilobytes of what a call writes to descriptor 2.
 * The import is linked only into modules that log. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) extern uint32_t
fd_write(uint32_t fd, const px_bytes *list, uint32_t count, uint32_t *written);

void px_log(const char *line) {
	px_bytes text[] = {px_text(line), px_text("\n")};
	uint32_t written;
	fd_write(2, text, 2, &written);
}
#else
#include <stdio.h>
void px_log(const char *line) { fprintf(stderr, "%s\n", line); }
#endif

/* ---- chacha8rand */

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
	*a += *b, *d ^= *a, *d = ROTATE(*d, 16);
	*c += *d, *b ^= *c, *b = ROTATE(*b, 12);
	*a += *b, *d ^= *a, *d = ROTATE(*d, 8);
	*c += *d, *b ^= *c, *b = ROTATE(*b, 7);
}

/* Four ChaCha8 blocks side by side: word k of block i is the i-th quarter of
 * row k of the buffer. */
static void block(px_rand *r) {
	static const uint32_t words[] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	uint32_t rows[16][4];
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t key[8], x[16];
		for (int k = 0; k < 8; k++) key[k] = (uint32_t)(r->seed[k / 2] >> (32 * (k & 1)));
		for (int k = 0; k < 4; k++) x[k] = words[k];
		for (int k = 0; k < 8; k++) x[4 + k] = key[k];
		x[12] = r->counter + i, x[13] = x[14] = x[15] = 0;
		for (int round = 0; round < 4; round++) {
			for (int k = 0; k < 4; k++) quarter(&x[k], &x[4 + k], &x[8 + k], &x[12 + k]);
			for (int k = 0; k < 4; k++) quarter(&x[k], &x[4 + ((k + 1) & 3)], &x[8 + ((k + 2) & 3)], &x[12 + ((k + 3) & 3)]);
		}
		for (int k = 0; k < 16; k++) rows[k][i] = x[k] + (k >= 4 && k < 12 ? key[k - 4] : 0);
	}
	for (int k = 0; k < 32; k++) r->buf[k] = rows[k / 2][k % 2 * 2] | (uint64_t)rows[k / 2][k % 2 * 2 + 1] << 32;
}

void px_rand_init(px_rand *r, const uint8_t seed[32], uint64_t stream) {
	for (int i = 0; i < 4; i++) {
		r->seed[i] = 0;
		for (int k = 7; k >= 0; k--) r->seed[i] = r->seed[i] << 8 | seed[8 * i + k];
	}
	r->seed[3] ^= stream;
	r->counter = r->i = 0;
	r->n = 32;
	block(r);
}

uint64_t px_rand_u64(px_rand *r) {
	if (r->i == r->n) {
		r->counter += 4;
		if (r->counter == 16) {
			for (int k = 0; k < 4; k++) r->seed[k] = r->buf[28 + k];
			r->counter = 0;
		}
		block(r);
		r->i = 0;
		r->n = r->counter == 12 ? 28 : 32;
	}
	return r->buf[r->i++];
}

/* The upper half of a 128-bit product; *lo is the lower one. */
static uint64_t mul(uint64_t x, uint64_t y, uint64_t *lo) {
	uint64_t x0 = x & 0xffffffff, x1 = x >> 32, y0 = y & 0xffffffff, y1 = y >> 32;
	uint64_t t = x1 * y0 + (x0 * y0 >> 32), w = (t & 0xffffffff) + x0 * y1;
	*lo = x * y;
	return x1 * y1 + (t >> 32) + (w >> 32);
}

uint64_t px_rand_below(px_rand *r, uint64_t n) {
	uint64_t lo, hi = mul(px_rand_u64(r), n, &lo);
	if (n && lo < n)
		for (uint64_t least = -n % n; lo < least;) hi = mul(px_rand_u64(r), n, &lo);
	return hi;
}

/* ---- mathematics: see the Go SDK for why these are right */

uint64_t px_log2(uint64_t x) {
	if (!x) return 0;
	uint32_t n = 63 - (uint32_t)__builtin_clzll(x);
	uint64_t m = x << (63 - n) >> 32, frac = 0;
	if (m != (uint64_t)1 << 31)
		for (int i = 0; i < 32; i++) {
			m = m * m >> 31;
			uint64_t bit = m >> 32;
			m >>= bit;
			frac = frac << 1 | bit;
		}
	return (uint64_t)n << 32 | frac;
}

static const uint64_t two_to[40] = {
	0xb504f333f9de6484, 0x9837f0518db8a96f, 0x8b95c1e3ea8bd6e6, 0x85aac367cc487b14,
	0x82cd8698ac2ba1d7, 0x8164d1f3bc030773, 0x80b1ed4fd999ab6c, 0x8058d7d2d5e5f6b0,
	0x802c6436d0e04f50, 0x8016302f17467628, 0x800b179c82028fd0, 0x80058baf7fee3b5d,
	0x8002c5d00fdcfcb6, 0x800162e61bed4a48, 0x8000b17292f702a3, 0x800058b92abbae02,
	0x80002c5c8dade4d7, 0x8000162e44eaf636, 0x80000b1721fa7c18, 0x8000058b90de7e4c,
	0x800002c5c8678f36, 0x80000162e431db9f, 0x800000b1721872d0, 0x80000058b90c1aa8,
	0x8000002c5c8605a4, 0x800000162e4300e6, 0x8000000b17217ff8, 0x800000058b90bfdd,
	0x80000002c5c85fe6, 0x8000000162e42ff1, 0x80000000b17217f8, 0x8000000058b90bfc,
	0x800000002c5c85fd, 0x80000000162e42fe, 0x800000000b17217f, 0x80000000058b90bf,
	0x8000000002c5c85f, 0x800000000162e42f, 0x8000000000b17217, 0x800000000058b90b,
};

uint64_t px_exp(int64_t x) {
	uint64_t size = x < 0 ? -(uint64_t)x : (uint64_t)x, lo;
	if (size >= (uint64_t)1 << 37) return x < 0 ? 0 : UINT64_MAX;
	uint64_t y = mul(size << 26, 0xb8aa3b295c17f0bb, &lo);
	int32_t n = (int32_t)(y >> 57);
	if (x < 0) {
		y = -(y + 2);
		n = (int32_t)(y >> 57) - 128;
	}
	uint64_t f = y & (((uint64_t)1 << 57) - 1), r = (uint64_t)1 << 63;
	for (int i = 0; i < 40; i++)
		if (f >> (56 - i) & 1) r = mul(r, two_to[i], &lo) << 1;
	if (n > 31) return UINT64_MAX;
	if (n < -32) return 0;
	return r >> (31 - n);
}

static uint64_t root(uint64_t x, int digits) {
	uint64_t rest = 0, r = 0;
	while (digits--) {
		rest = rest << 2 | x >> 62, x <<= 2;
		r <<= 1;
		uint64_t try = r << 1 | 1;
		if (rest >= try) rest -= try, r |= 1;
	}
	return r;
}

uint64_t px_sqrt(uint64_t x) { return root(x, 48); }
uint64_t px_isqrt(uint64_t x) { return root(x, 32); }

void px_softmax(const int64_t *x, uint32_t n, uint64_t *out) {
	if (!n) return;
	uint32_t first = 0;
	for (uint32_t i = 1; i < n; i++)
		if (x[i] > x[first]) first = i;
	uint64_t total = 0, left = PX_ONE;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t d = (uint64_t)x[first] - (uint64_t)x[i];
		out[i] = d < (uint64_t)1 << 37 ? px_exp(-(int64_t)d) : 0;
		total += out[i];
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t e = out[i] << 31, q = e / total, rest = e % total;
		q = q << 1 | (rest << 1 >= total);
		out[i] = q;
		left -= q;
	}
	out[first] += left;
}

static void sort_u64(uint64_t *v, uint32_t n) { /* heap sort: bounded for every input */
	for (uint32_t start = n / 2, end = n; end > 1;) {
		if (start)
			start--;
		else {
			uint64_t t = v[--end];
			v[end] = v[0], v[0] = t;
		}
		for (uint32_t i = start, c; (c = 2 * i + 1) < end; i = c) {
			if (c + 1 < end && v[c + 1] > v[c]) c++;
			if (v[i] >= v[c]) break;
			uint64_t t = v[i];
			v[i] = v[c], v[c] = t;
		}
	}
}

uint64_t px_quantile(const uint64_t *values, uint32_t n, uint64_t q) {
	if (!n) return 0;
	uint64_t *v = px_alloc((size_t)n * 8);
	for (uint32_t i = 0; i < n; i++) v[i] = values[i];
	sort_u64(v, n);
	uint64_t at = (q < PX_ONE ? q : PX_ONE) * (n - 1), i = at >> 32, part = at & 0xffffffff;
	if (!part) return v[i];
	uint64_t d = v[i + 1] - v[i];
	return v[i] + (d >> 32) * part + ((d & 0xffffffff) * part >> 32);
}

uint32_t px_edit_distance(const uint32_t *a, uint32_t an, const uint32_t *b, uint32_t bn) {
	uint32_t *row = px_alloc(((size_t)bn + 1) * 4);
	for (uint32_t j = 0; j <= bn; j++) row[j] = j;
	for (uint32_t i = 0; i < an; i++) {
		uint32_t before = row[0];
		row[0] = i + 1;
		for (uint32_t j = 0; j < bn; j++) {
			uint32_t best = before + (a[i] != b[j]);
			before = row[j + 1];
			if (before + 1 < best) best = before + 1;
			if (row[j] + 1 < best) best = row[j] + 1;
			row[j + 1] = best;
		}
	}
	return row[bn];
}

static uint32_t *widen(px_bytes b) {
	uint32_t *v = px_alloc((size_t)b.n * 4);
	for (uint32_t i = 0; i < b.n; i++) v[i] = b.p[i];
	return v;
}

uint32_t px_edit_distance_bytes(px_bytes a, px_bytes b) {
	return px_edit_distance(widen(a), a.n, widen(b), b.n);
}

uint32_t px_ngrams(uint32_t length, uint32_t n) { return n && length >= n ? length - n + 1 : 0; }

static int compare_runs(const uint32_t *a, const uint32_t *b, uint32_t n) {
	for (uint32_t i = 0; i < n; i++)
		if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
	return 0;
}

static const uint32_t **sorted_runs(const uint32_t *v, uint32_t count, uint32_t n) {
	const uint32_t **r = px_alloc((size_t)count * sizeof *r);
	for (uint32_t i = 0; i < count; i++) r[i] = v + i;
	for (uint32_t start = count / 2, end = count; end > 1;) {
		const uint32_t *t;
		if (start)
			start--;
		else
			t = r[--end], r[end] = r[0], r[0] = t;
		for (uint32_t i = start, c; (c = 2 * i + 1) < end; i = c) {
			if (c + 1 < end && compare_runs(r[c + 1], r[c], n) > 0) c++;
			if (compare_runs(r[i], r[c], n) >= 0) break;
			t = r[i], r[i] = r[c], r[c] = t;
		}
	}
	return r;
}

uint32_t px_ngram_matches(const uint32_t *a, uint32_t an, const uint32_t *b, uint32_t bn, uint32_t n) {
	uint32_t x = px_ngrams(an, n), y = px_ngrams(bn, n), same = 0;
	const uint32_t **p = sorted_runs(a, x, n), **q = sorted_runs(b, y, n);
	for (uint32_t i = 0, j = 0; i < x && j < y;) {
		int c = compare_runs(p[i], q[j], n);
		i += c <= 0;
		j += c >= 0;
		same += c == 0;
	}
	return same;
}
