/* Plexus SDK for C: write a subnet's module with this header and plexus.c.
 *
 * Define one px_module named plexus_module. Its functions get decoded requests
 * and fill replies; memory comes from px_alloc and is never freed, because every
 * call begins in a fresh instance. A function returns 0, or px_refuse("why") when
 * the host's data is not what it can work with. It must never refuse, nor trap,
 * for what a miner answered: a bad answer scores 0.
 *
 * A module is pure: its reply depends only on its input. Use integers. Numbers
 * "in Q32.32" are fixed point with 32 binary digits behind the point, so that
 * PX_ONE is one. */
#ifndef PLEXUS_H
#define PLEXUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PX_ONE ((uint64_t)1 << 32)

/* Bounds of the contract, as in package abi. */
#define PX_MAX_MESSAGE (16u << 20)
#define PX_MAX_PAYLOAD (4u << 20)
#define PX_MAX_PAYLOADS 4096u
#define PX_MAX_ROWS 4096u
#define PX_MAX_SCORES 4096u
#define PX_MAX_CARRY 1024u
#define PX_MAX_SLICES 4096u
#define PX_MAX_INPUTS 64u
#define PX_MAX_ARTIFACT (1u << 20)
#define PX_MAX_STATUS 1024u

/* Bytes that somebody else owns, or that px_alloc gave. */
typedef struct {
	const uint8_t *p;
	uint32_t n;
} px_bytes;

typedef struct {
	uint8_t beta[32];      /* the round's randomness */
	px_bytes params;       /* the subnet's parameters */
	px_bytes *slices;      /* data slices opened for this round */
	uint32_t slice_count;
	px_bytes artifact;     /* empty when there is none */
	uint64_t height;       /* of the round's first block: the least height of an input */
	uint64_t last;         /* the greatest height that score_at may name */
} px_task_request;

typedef struct {
	uint64_t height;
	px_bytes key; /* "R" or "price/7": UTF-8, at most 64 bytes */
} px_input;

typedef struct {
	px_bytes public_part;  /* sent to the miners */
	px_bytes private_part; /* kept until the evidence appears */
	px_input *inputs;
	uint32_t input_count;
	uint64_t score_at;     /* from when the inputs are known, 0 for at once */
} px_task;

typedef struct {
	px_bytes params, public_part, private_part;
	px_bytes *inputs;
	uint32_t input_count;
	px_bytes *payloads;    /* in the order of their hashes */
	uint32_t payload_count;
} px_score_request;

typedef struct {
	px_bytes carry;
	uint64_t *scores;      /* of this epoch, in the order of the rounds */
	uint32_t score_count;
} px_row;

typedef struct {
	px_bytes params;
	px_row *rows;
	uint32_t row_count;
} px_rank_request;

typedef struct {
	uint64_t weight;       /* at most PX_ONE; only proportions count */
	px_bytes carry;        /* at most PX_MAX_CARRY bytes */
} px_rank;

typedef struct {
	px_bytes params, public_part, payload;
} px_check_request;

typedef struct {
	bool ok;
	px_bytes reason;       /* UTF-8, at most 256 bytes */
} px_verdict;

typedef struct {
	px_bytes params, public_part;
	uint8_t seed[32];
} px_solve_request;

typedef struct {
	px_bytes params;
	px_bytes artifact;     /* in force now, empty when there is none */
	px_bytes *slices;      /* data slices to judge by */
	uint32_t slice_count;
	px_bytes *payloads;    /* the distinct answers of the epoch, in the order of their hashes */
	uint32_t payload_count;
} px_merge_request;

typedef struct {
	px_bytes title, task, answer, score; /* UTF-8 */
} px_description;

/* The operations of a module. One left null is refused, so the manifest must not
 * name it. scores and ranks have one element per payload or row, zero before. */
typedef struct {
	void (*describe)(px_description *out);
	int (*task)(const px_task_request *in, px_task *out);
	int (*score)(const px_score_request *in, uint64_t *scores);
	int (*rank)(const px_rank_request *in, px_rank *ranks);
	int (*check)(const px_check_request *in, px_verdict *out);
	int (*solve)(const px_solve_request *in, px_bytes *out);
	int (*render)(px_bytes payload, px_bytes *out);
	int (*parse)(px_bytes text, px_bytes *out);
	int (*merge)(const px_merge_request *in, px_bytes *artifact); /* left empty: as before */
} px_module;

extern const px_module plexus_module;

/* Ends an operation with an explanation: return px_refuse("no slices"); */
int px_refuse(const char *why);

/* Zeroed memory that lives until the call ends. Traps when there is none. */
void *px_alloc(size_t n);

/* Bytes of a C string. */
px_bytes px_text(const char *s);

bool px_equal(px_bytes a, px_bytes b);

/* A line for the author's eyes. The host keeps the first few kilobytes of a call. */
void px_log(const char *line);

/* A deterministic generator: chacha8rand over the seed whose last 8 bytes are
 * XORed with the stream. The same numbers come in every language. */
typedef struct {
	uint64_t seed[4], buf[32];
	uint32_t counter, i, n;
} px_rand;

void px_rand_init(px_rand *r, const uint8_t seed[32], uint64_t stream);
uint64_t px_rand_u64(px_rand *r);
/* From 0 to n-1, each equally likely; 0 for n = 0. */
uint64_t px_rand_below(px_rand *r, uint64_t n);

/* Integer mathematics, equal in every language; numbers in Q32.32. */
uint64_t px_log2(uint64_t x);  /* of a whole number; 0 for 0 */
uint64_t px_exp(int64_t x);    /* saturates */
uint64_t px_sqrt(uint64_t x);
uint64_t px_isqrt(uint64_t x); /* of a whole number, rounded down */
void px_softmax(const int64_t *x, uint32_t n, uint64_t *out); /* sums to PX_ONE */
uint64_t px_quantile(const uint64_t *values, uint32_t n, uint64_t q);
uint32_t px_edit_distance(const uint32_t *a, uint32_t an, const uint32_t *b, uint32_t bn);
uint32_t px_edit_distance_bytes(px_bytes a, px_bytes b);
uint32_t px_ngrams(uint32_t length, uint32_t n);
uint32_t px_ngram_matches(const uint32_t *a, uint32_t an, const uint32_t *b, uint32_t bn, uint32_t n);

/* Runs an operation as the sandbox does, for tests on the author's machine:
 * returns the status and its body. */
uint32_t px_call(uint32_t op, px_bytes input, px_bytes *body);

#endif
