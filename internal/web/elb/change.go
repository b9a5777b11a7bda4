package elb

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// change attaches or detaches an instance.
func (a *API) change(x *exchange.Exchange, action lsapi.Action) error {
	body, err := x.Body()
	if err != nil {
		return err
	}
	member, err := instanceIDIn(body)
	if err != nil {
		return err
	}
	reason, err := x.Reason()
	if err != nil {
		return err
	}
	key, keyed, err := x.IdempotencyKey()
	if err != nil {
		return err
	}
	w, err := a.admitWait(x)
	if err != nil {
		return err
	}
	defer w.leave()
	id, at, err := newChangeID()
	if err != nil {
		return err
	}
	request := lsapi.Request{
		ID: x.ID, ChangeID: id, At: at,
		Actor: x.Actor, Action: action, Pool: loadBalancer(x), Member: lsapi.InstanceMember(member),
		Reason: reason,
	}
	ctx, cancel := x.Deadline()
	defer cancel()
	if keyed {
		return a.changeOnce(ctx, x, request, w, key, hashOf(body))
	}
	_, err = a.makeChange(ctx, x, request, w)
	return err
}

// newChangeID returns a UUID of version 7 and its time, which is now. The library's own
// time never runs backwards, so it would stay ahead after the clock was.
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

func hashOf(body []byte) string {
	digest := sha256.Sum256(body)
	return hex.EncodeToString(digest[:])
}
