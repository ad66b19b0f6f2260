package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

type informed struct {
	Added   int64    `json:"added"`
	Updated int64    `json:"updated"`
	Deleted int64    `json:"deleted"`
	Store   []string `json:"store"`
}

// informer follows config maps as controllers do: a list, then a watch, into a store.
func informer(s *shared, args []string) (any, error) {
	lasts := s.flags.Duration("for", 2*time.Second, "how long after the first list")
	s.flags.Parse(args)
	client, err := s.client(s.kubeconfig)
	if err != nil {
		return nil, err
	}
	var added, updated, deleted atomic.Int64
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(s.namespace))
	follower := factory.Core().V1().ConfigMaps().Informer()
	follower.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { added.Add(1) },
		UpdateFunc: func(any, any) { updated.Add(1) },
		DeleteFunc: func(any) { deleted.Add(1) },
	})
	ctx, stop := context.WithTimeout(context.Background(), *lasts+time.Minute)
	defer stop()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), follower.HasSynced) {
		return nil, fmt.Errorf("no first list")
	}
	fmt.Println("ready")
	time.Sleep(*lasts)
	return informed{added.Load(), updated.Load(), deleted.Load(), follower.GetStore().ListKeys()}, nil
}
