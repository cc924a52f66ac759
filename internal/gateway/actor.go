package gateway

import "context"

type actorKey struct{}

// WithActor names the person in whose name the use cases act that are called with this context:
// the timeline then says who it was, and not that the API was called.
func WithActor(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, actorKey{}, who)
}

func actor(ctx context.Context) string {
	who, _ := ctx.Value(actorKey{}).(string)
	return who
}
