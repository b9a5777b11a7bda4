package web

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/google/uuid"

	"lsapi"
)

func (s *server) attach(x *exchange) error { return s.change(x, lsapi.Attach) }
func (s *server) detach(x *exchange) error { return s.change(x, lsapi.Detach) }

// change asks for a change, unless the caller has asked for it before.
func (s *server) change(x *exchange, action lsapi.Action) error {
	if err := s.origins.Check(x.request); err != nil {
		// A browser adds Basic credentials by itself, whoever made it ask.
		return lsapi.Errorf(lsapi.CodeDenied, "changes are not accepted from pages of another origin")
	}
	body, err := readBody(x)
	if err != nil {
		return err
	}
	instanceID, err := instanceIDIn(body)
	if err != nil {
		return err
	}
	why, err := reason(x.request.Header)
	if err != nil {
		return err
	}
	key, again, err := idempotencyKey(x.request.Header)
	if err != nil {
		return err
	}
	patience, err := s.patience(x)
	if err != nil {
		return err
	}
	if patience > 0 {
		leave, err := s.lasting.admit(x.actor.Name)
		if err != nil {
			return err // before anything is changed
		}
		defer leave()
	}
	id, at, err := newChangeID()
	if err != nil {
		return err
	}
	wish := lsapi.Request{
		ID: x.id, ChangeID: id, At: at,
		Actor: x.actor, Action: action, LoadBalancer: loadBalancer(x), InstanceID: instanceID,
		Reason: why,
	}
	ctx, cancel := s.deadline(x)
	defer cancel()
	if !again || s.keys == nil {
		_, err := s.carryOut(ctx, x, wish, patience)
		return err
	}
	return s.carryOutOnce(ctx, x, wish, patience, key, hashOf(body))
}

// carryOut makes the change and answers, when the caller has waited for its effect
// if it has the patience. It reports whether the record has it, or may yet.
func (s *server) carryOut(ctx context.Context, x *exchange, wish lsapi.Request, patience time.Duration) (recorded bool, err error) {
	result, err := s.membership.Change(ctx, wish)
	if result.Recorded {
		x.Header().Set("X-Change-Id", wish.ChangeID)
	}
	if err != nil {
		return result.Recorded || result.Pending, err
	}
	return result.Recorded, s.sendDone(x, wish, result.Instance, patience) //nolint:contextcheck // the exchange carries it
}

// sendDone answers for a change that AWS has made.
func (s *server) sendDone(x *exchange, wish lsapi.Request, instance lsapi.Instance, patience time.Duration) error {
	if err := s.awaitEffect(x, wish, patience); err != nil {
		return err
	}
	return s.sendMachine(x, instance)
}

func (s *server) sendMachine(x *exchange, instance lsapi.Instance) error {
	return x.sendJSON(http.StatusCreated, s.envelope.value(newMachineInfo(instance)))
}

// newChangeID returns a UUID of version 7 and the time that it holds, which is now:
// the library's never runs backwards, so that its ids would stay ahead once the clock has
// been.
func newChangeID() (string, time.Time, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", time.Time{}, err
	}
	now := time.Now()
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(now.UnixMilli())<<16)
	copy(id[:6], stamp[:])
	return id.String(), time.UnixMilli(now.UnixMilli()).UTC(), nil
}

// hashOf tells bodies apart.
func hashOf(body []byte) string {
	digest := sha256.Sum256(body)
	return hex.EncodeToString(digest[:])
}
