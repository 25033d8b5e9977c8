/* The workloads of ../go/main.go in C. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define EXPORT(name) __attribute__((export_name(name)))

enum {
	FNV_BYTES = 1 << 16, FNV_ROUNDS = 8, WORD = 256, LEV_ROUNDS = 2, ORDER = 64,
	SIEVE_BYTES = 1 << 17, FIB_OF = 25, TEXTS = 3, TEXT_BYTES = 4096, BUCKETS = 4096
};

static u8 room[1 << 16], bytes[SIEVE_BYTES];
static double a[ORDER * ORDER], b[ORDER * ORDER], c[ORDER * ORDER];
static u32 rows[2][WORD + 1], grams[2][BUCKETS];
static u64 state;

static u64 next(void) {
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void fill(u8 *to, u32 n) {
	for (u32 i = 0; i < n; i++)
		to[i] = 'a' + next() % 26;
}

static u64 bits(double v) {
	union { double v; u64 bits; } u = {v};
	return u.bits;
}

static u64 fnv(void) {
	fill(bytes, FNV_BYTES);
	u64 h = 14695981039346656037ull;
	for (u32 r = 0; r < FNV_ROUNDS; r++)
		for (u32 i = 0; i < FNV_BYTES; i++)
			h = (h ^ bytes[i]) * 1099511628211ull;
	return h;
}

static u32 distance(const u8 *x, const u8 *y) {
	u32 *prev = rows[0], *row = rows[1];
	for (u32 j = 0; j <= WORD; j++)
		prev[j] = j;
	for (u32 i = 0; i < WORD; i++) {
		row[0] = i + 1;
		for (u32 j = 0; j < WORD; j++) {
			u32 d = prev[j] + (x[i] != y[j]);
			if (prev[j + 1] + 1 < d)
				d = prev[j + 1] + 1;
			if (row[j] + 1 < d)
				d = row[j] + 1;
			row[j + 1] = d;
		}
		u32 *t = prev;
		prev = row;
		row = t;
	}
	return prev[WORD];
}

static u64 lev(void) {
	u64 sum = 0;
	for (u32 r = 0; r < LEV_ROUNDS; r++) {
		fill(bytes, 2 * WORD);
		sum = sum * 31 + distance(bytes, bytes + WORD);
	}
	return sum;
}

static u64 matmul(void) {
	for (u32 i = 0; i < ORDER * ORDER; i++) {
		a[i] = (double)(next() % 1000) / 7;
		b[i] = (double)(next() % 1000) / 11;
	}
	double trace = 0;
	for (u32 r = 0; r < 2; r++)
		for (u32 i = 0; i < ORDER; i++) {
			for (u32 j = 0; j < ORDER; j++) {
				double s = 0;
				for (u32 k = 0; k < ORDER; k++)
					s += a[i * ORDER + k] * b[k * ORDER + j];
				c[i * ORDER + j] = s;
			}
			trace += c[i * ORDER + i];
		}
	return bits(trace);
}

static u64 sieve(void) {
	u64 primes = 0;
	for (u32 i = 0; i < SIEVE_BYTES; i++)
		bytes[i] = 1;
	for (u32 i = 2; i < SIEVE_BYTES; i++) {
		if (!bytes[i])
			continue;
		primes++;
		for (u32 j = 2 * i; j < SIEVE_BYTES; j += i)
			bytes[j] = 0;
	}
	return primes;
}

static __attribute__((noinline)) u32 fib(u32 n) {
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void count(const u8 *text, u32 *to) {
	for (u32 i = 0; i < BUCKETS; i++)
		to[i] = 0;
	for (u32 i = 0; i + 2 < TEXT_BYTES; i++)
		to[(text[i] * 26 * 26 + text[i + 1] * 26 + text[i + 2]) % BUCKETS]++;
}

static u64 score(void) {
	fill(bytes, TEXTS * TEXT_BYTES);
	count(bytes, grams[0]);
	u64 sum = 0;
	for (u32 t = 0; t < TEXTS; t++) {
		const u8 *text = bytes + t * TEXT_BYTES;
		count(text, grams[1]);
		double dot = 0, x = 0, y = 0;
		for (u32 i = 0; i < BUCKETS; i++) {
			double p = grams[0][i], q = grams[1][i];
			dot += p * q;
			x += p * p;
			y += q * q;
		}
		double cosine = dot * dot / (x * y), near = 1 - (double)distance(bytes, text) / WORD;
		sum = sum * 31 + bits(cosine * near);
	}
	return sum;
}

EXPORT("plexus_abi_v1") void marker(void) {}

EXPORT("plexus_alloc") u32 alloc(u32 n) { (void)n; return (u32)(unsigned long)room; }

EXPORT("plexus_call") u64 call(u32 op, u32 ptr, u32 n) {
	(void)ptr, (void)n;
	state = 88172645463325252ull;
	switch (op) {
	case 0: return fnv();
	case 1: return lev();
	case 2: return matmul();
	case 3: return sieve();
	case 4: return fib(FIB_OF);
	case 5: return score();
	}
	return 0;
}
