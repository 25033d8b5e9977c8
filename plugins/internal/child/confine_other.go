//go:build !linux

package child

import "fmt"

// identity is the user that a child runs as; here it is the host's own.
type identity struct{}

func lookup(s string) (*identity, error) {
	if s == "" {
		return nil, nil
	}
	return nil, fmt.Errorf("%w: running it as user %q needs Linux", ErrConfine, s)
}

func (*identity) own(string) error { return nil }

func (p *process) confine(_ *identity, l Limits) error {
	if err := l.check(); err != nil {
		return err
	}
	if l != (Limits{}) {
		return fmt.Errorf("%w: limits need Linux", ErrConfine)
	}
	return nil
}

// apply is not reached: confine refused.
func (Limits) apply(int) error { return nil }
