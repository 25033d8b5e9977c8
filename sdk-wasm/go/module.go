package sdk

import (
	"errors"
	"unicode/utf8"

	"github.com/plexus-network/plexus/abi"
)

// Module holds a module's operations. An operation left nil is refused with
// StatusUnsupported, so the manifest must not name it.
//
// An operation returns an error to refuse its input: the host's data is not
// what the module can work with. It must never refuse, nor panic, for what a
// miner answered, since that would let one miner stop the scoring of all: a bad
// answer scores 0.
type Module struct {
	Describe func() abi.Description
	Task     func(*abi.TaskRequest) (abi.Task, error)
	Score    func(*abi.ScoreRequest) (abi.Scores, error)
	Rank     func(*abi.RankRequest) (abi.Ranks, error)
	Check    func(*abi.CheckRequest) (abi.Verdict, error)
	Solve    func(*abi.SolveRequest) ([]byte, error)
	Render   func(payload []byte) (string, error)
	Parse    func(text string) ([]byte, error)
	Merge    func(*abi.MergeRequest) (abi.Merged, error)
}

// Statuses of the envelope besides 0, success.
const (
	StatusRefused     = 1 // the operation returned an error
	StatusInput       = 2 // the input is not the operation's message
	StatusUnsupported = 3 // the module has no such operation
	StatusReply       = 4 // the operation's reply breaks the contract
)

// Refusal is the error of a call that ended with a status.
type Refusal struct {
	Status uint32
	Text   string
}

// Error returns the explanation.
func (r *Refusal) Error() string { return "sdk: module refused: " + r.Text }

var errText = errors.New("input is not UTF-8 or too long")

// Call runs one operation natively, as the sandbox would: the input is decoded
// and the reply encoded by package abi, and a reply that breaks the contract
// (a score above one, not one rank per row) is found here rather than by the
// network. An error is a *Refusal. For tests; fuel is not counted.
func Call(m Module, op abi.Op, input []byte) ([]byte, error) {
	status, body := m.call(op, input)
	if status != 0 {
		return nil, &Refusal{Status: status, Text: string(body)}
	}
	return body, nil
}

// call runs one operation and returns the two parts of the envelope.
func (m *Module) call(op abi.Op, input []byte) (status uint32, body []byte) {
	if !m.has(op) {
		return StatusUnsupported, []byte("no operation " + op.String())
	}
	switch op {
	case abi.OpDescribe:
		if len(input) != 0 {
			return StatusInput, []byte("describe takes no input")
		}
		d := m.Describe()
		return 0, d.Append(nil)
	case abi.OpTask:
		return run(input, abi.DecodeTaskRequest, m.Task, func(_ *abi.TaskRequest, t abi.Task) ([]byte, error) {
			b := t.Append(nil)
			_, err := abi.DecodeTask(b)
			return b, err
		})
	case abi.OpScore:
		return run(input, abi.DecodeScoreRequest, m.Score, func(r *abi.ScoreRequest, s abi.Scores) ([]byte, error) {
			b := s.Append(nil)
			_, err := abi.DecodeScores(b, len(r.Payloads))
			return b, err
		})
	case abi.OpRank:
		return run(input, abi.DecodeRankRequest, m.Rank, func(r *abi.RankRequest, k abi.Ranks) ([]byte, error) {
			b := k.Append(nil)
			_, err := abi.DecodeRanks(b, len(r.Rows))
			return b, err
		})
	case abi.OpCheck:
		return run(input, abi.DecodeCheckRequest, m.Check, func(_ *abi.CheckRequest, v abi.Verdict) ([]byte, error) {
			return v.Append(nil), nil
		})
	case abi.OpSolve:
		return run(input, abi.DecodeSolveRequest, m.Solve, func(_ *abi.SolveRequest, b []byte) ([]byte, error) {
			return b, tooLong(len(b))
		})
	case abi.OpRender:
		return run(input, plain, func(b *[]byte) (string, error) { return m.Render(*b) },
			func(_ *[]byte, s string) ([]byte, error) { return []byte(s), nil })
	case abi.OpMerge:
		return run(input, abi.DecodeMergeRequest, m.Merge, func(_ *abi.MergeRequest, r abi.Merged) ([]byte, error) {
			b := r.Append(nil)
			_, err := abi.DecodeMerged(b)
			return b, err
		})
	default:
		return run(input, text, func(s *string) ([]byte, error) { return m.Parse(*s) },
			func(_ *string, b []byte) ([]byte, error) { return b, tooLong(len(b)) })
	}
}

func (m *Module) has(op abi.Op) bool {
	switch op {
	case abi.OpDescribe:
		return m.Describe != nil
	case abi.OpTask:
		return m.Task != nil
	case abi.OpScore:
		return m.Score != nil
	case abi.OpRank:
		return m.Rank != nil
	case abi.OpCheck:
		return m.Check != nil
	case abi.OpSolve:
		return m.Solve != nil
	case abi.OpRender:
		return m.Render != nil
	case abi.OpParse:
		return m.Parse != nil
	case abi.OpMerge:
		return m.Merge != nil
	}
	return false
}

// run decodes, calls and encodes, and says which of the three failed.
func run[In, Out any](input []byte, decode func([]byte) (In, error), do func(*In) (Out, error), encode func(*In, Out) ([]byte, error)) (uint32, []byte) {
	in, err := decode(input)
	if err != nil {
		return StatusInput, []byte(err.Error())
	}
	out, err := do(&in)
	if err != nil {
		return StatusRefused, explain(err)
	}
	b, err := encode(&in, out)
	if err != nil {
		return StatusReply, explain(err)
	}
	return 0, b
}

func plain(b []byte) ([]byte, error) { return b, tooLong(len(b)) }

func tooLong(n int) error {
	if n > abi.MaxPayload {
		return errors.New("payload above the contract's bound")
	}
	return nil
}

func explain(err error) []byte {
	s := err.Error()
	return []byte(s[:min(len(s), abi.MaxStatusText)])
}

func text(b []byte) (string, error) {
	if len(b) > abi.MaxPayload || !utf8.Valid(b) {
		return "", errText
	}
	return string(b), nil
}
