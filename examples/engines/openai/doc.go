// Package openai is the engine whose model is a server that speaks the HTTP
// interface of OpenAI, as llama.cpp, Ollama, vLLM and many services do: chat and
// text completion, image generation, transcription of speech.
//
//	plexus engine openai --base-url http://127.0.0.1:8080/v1 --model my-model --for text
//
// --for says what the tasks are, since their bytes are the subnet's affair: a form
// turns a task into requests and the replies into an answer. The form "plain" takes
// a task as a text, asks a chat model, and gives back what it says, while it says it.
//
// # Failure
//
// A request that fails for a reason that may pass (no connection, 408, 425, 429, 5xx)
// is made again, after what the server asks for in Retry-After or else after a time
// that doubles, within --timeout. Any other refusal ends the task with the server's
// words. Replies are read up to a bound; a stream that ends before its end, or says
// nothing for --stall, is a failure.
//
// # The key
//
// It is read from a file that nobody but its owner can read, goes out in the
// Authorization header only, to the base URL only (redirects are not followed), not
// over plain HTTP to another machine, and is cut out of whatever is said of an error.
package openai
