package text

import (
	"context"

	"github.com/plexus-network/plexus/examples/subnets/text"
	"github.com/plexus-network/plexus/plugins/engine"
)

// Run makes this process the named model: it trains, then answers tasks until
// the host ends it. It returns only an error: a model that cannot be made, or a
// process that was not started as an engine.
func Run(name string, o Options) error {
	m, err := New(name, o)
	if err != nil {
		return err
	}
	return engine.Serve(func(_ context.Context, t engine.Task) ([]byte, error) {
		contexts, err := text.DecodeContexts(t.Public)
		if err != nil {
			return nil, err
		}
		return m.Answer(contexts).Append(nil), nil
	})
}
