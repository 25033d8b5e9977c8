/* Tests of module.c on the author's own machine, without the sandbox:
 *   cc -o spell-test test/test.c module.c plexus/plexus.c && ./spell-test */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "../plexus/plexus.h"

int main(void) {
	px_task_request request = {0};
	px_task task = {0};
	request.beta[0] = 7;
	assert(plexus_module.task(&request, &task) == 0);
	assert(task.public_part.n == task.private_part.n && task.private_part.n >= 8);

	px_bytes payloads[] = {task.private_part, {0, 0}, px_text("no word")};
	px_score_request round = {.public_part = task.public_part, .private_part = task.private_part, .payloads = payloads, .payload_count = 3};
	uint64_t scores[3] = {0};
	assert(plexus_module.score(&round, scores) == 0);
	assert(scores[0] == PX_ONE && scores[1] == 0 && scores[2] == 0);

	px_bytes body; /* through the encoding, as the sandbox calls it */
	assert(px_call(1, px_text(""), &body) == 0 && body.n > 0);
	assert(px_call(3, px_text("rubbish"), &body) == 2);
	assert(px_call(7, px_text("x"), &body) == 3);
	puts("ok");
	return 0;
}
